"""The longest that a text may take."""

import pytest

from ttsai_server.engines.shared.length import most_seconds


@pytest.mark.parametrize(("text", "seconds"), [("Hi.", 1.3), ("日本", 1.6), ("In 1999.", 4.2)])
def test_the_more_there_is_to_say_the_longer_it_may_take(text: str, seconds: float) -> None:
    assert most_seconds(text) == pytest.approx(seconds)
