"""Real speech for the engines that listen: said by Kokoro, once."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soxr

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import SpeechRequest
from ttsai_server.engines.base import Cancellation, Place
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.kokoro.adapter import Kokoro
from ttsai_server.settings import Settings

RATE = 16_000
SENTENCE = "The rain has stopped, and the children are playing in the garden behind the old house again."


@pytest.fixture(scope="session")
def spoken(kokoro_weights: Path) -> np.ndarray:
    """SENTENCE, float32 (n, 1) at 16 kHz."""
    card = read_card(Settings().models.cards / "kokoro.toml")
    Kokoro.prepare(card, kokoro_weights)
    engine = Kokoro.load(card, Place(kokoro_weights))
    said = engine.synthesize(SpeechRequest(SENTENCE, (("af_heart", 1.0),), "en-us"), Cancellation())
    sound = np.concatenate([audio.samples for audio in said])
    engine.close()
    return soxr.resample(sound, card.rate, RATE).astype(np.float32)


@pytest.fixture(scope="session")
def talk(spoken: np.ndarray) -> Iterator[Recording]:
    """SENTENCE three times in more than a minute, far apart, in quiet."""
    with Recording(RATE) as recording:
        for before in (1.0, 20.0, 25.0):
            recording.append(np.zeros((round(before * RATE), 1), np.float32))
            recording.append(spoken)
        recording.append(np.zeros((2 * RATE, 1), np.float32))
        yield recording
