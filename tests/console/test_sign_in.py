"""Under which names a console without keys opens."""

import pytest

from ttsai_server.console.sign_in import is_private


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "::1", "192.168.1.5", "gpu-box", "gpu-box.local", "Speech.Example.ORG."]
)
def test_a_name_that_no_other_site_can_have_opens_it(host: str) -> None:
    assert is_private(host, "https://speech.example.org")


@pytest.mark.parametrize("host", ["other.example", "localhost.other.example", "127.0.0.1.other.example"])
def test_a_name_that_another_site_could_have_does_not(host: str) -> None:
    assert not is_private(host, "https://speech.example.org")
