"""Silero VAD, asked while the sound is coming in."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.engines.contract import EngineContract
from tests.engines.voice_encoder import SPEECH_RATE, syllables

from ttsai_server.domain import DETECTION_FRAME, SoundFrames
from ttsai_server.engines.base import Cancellation, SpeechDetector
from ttsai_server.engines.shared.detector import open_detector

FRAMES = 60
SOUND = np.ascontiguousarray(syllables(150, 2)[: FRAMES * DETECTION_FRAME, 0])


def judged(engine: SpeechDetector, frames: int) -> np.ndarray:
    """The probabilities of SOUND's frames, in calls of so many."""

    def calls() -> Iterator[np.ndarray]:
        state = None
        for samples in np.split(SOUND, FRAMES // frames):
            (step,) = engine.detect_speech(SoundFrames(samples, state), Cancellation())
            assert step.seconds == len(samples) / SPEECH_RATE
            state = step.state
            yield step.probabilities

    return np.concatenate(list(calls()))


class TestSilero(EngineContract):
    model_id = "silero"
    kind = SpeechDetector

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """They come with a package."""
        return tmp_path_factory.mktemp("none")

    @pytest.mark.parametrize("frames", [1, 3, FRAMES])
    def test_it_judges_as_the_detector_of_whole_recordings(self, engine: SpeechDetector, frames: int) -> None:
        whole = open_detector()(SOUND.copy())
        assert whole.max() > 0.5 > whole.min()
        # but for the last frame, of which the other one drops the end
        assert judged(engine, frames)[:-1] == pytest.approx(whole[:-1], abs=1e-3)
