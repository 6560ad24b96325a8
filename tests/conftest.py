"""What more than one room of tests asks for: real weights, pulled once to the checkout's models/, ears, a server."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.listening import Ear
from tests.live import Live, live
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.weights import missing, pull
from ttsai_server.settings import Models, Settings

CARDS = Path(__file__).parent / "cards"


def _weights(card_file: Path, models: Path) -> Path:
    card = read_card(card_file)
    if missing(card, models):
        pull(card, models)
    return models / card.id


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Where weights live: models/ of the checkout, unless the environment says otherwise."""
    return Settings().models.dir


@pytest.fixture(scope="session")
def kokoro_weights(models_dir: Path) -> Path:
    """Folder of the real Kokoro weights."""
    return _weights(Settings().models.cards / "kokoro.toml", models_dir)


@pytest.fixture(scope="session")
def ear(models_dir: Path) -> Ear:
    """Hears what a sound says: `ear.listen(mp3_bytes)`; measure with `tests.listening.wer`."""
    english, other = (_weights(CARDS / f"{name}.toml", models_dir) for name in ("whisper-tiny-en", "whisper-base"))
    return Ear(english, other)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Live]:
    """The server with its demo engine and an empty database of its own; shared, so a test makes its own account."""
    with live(Settings(data_dir=tmp_path_factory.mktemp("server"), models=Models(demo=True))) as running:
        yield running
