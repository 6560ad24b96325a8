"""What tests share: real weights, pulled once to the checkout's models/, and ears."""

from pathlib import Path

import pytest
from tests.listening import Ear

from ttsai_server.engines.cards import read_card
from ttsai_server.engines.weights import missing, pull
from ttsai_server.settings import Settings

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
