"""Finds where the user begins and stops to speak, by how likely each 32 ms of the sound are speech."""

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from ttsai_server.engines.shared.detector import FRAME
from ttsai_server.engines.shared.speech_stream import RATE, SpeechStream
from ttsai_server.services.realtime.config import TurnDetection

BEGINS_AFTER = 3
"""Frames of speech in a row with which it begins: a click is shorter."""
HYSTERESIS = 0.15
"""How much less likely than at its beginning speech may be while it goes on."""


@dataclass(frozen=True, slots=True)
class Started:
    at: float
    """Seconds from the first sound that the detector was given."""


@dataclass(frozen=True, slots=True)
class Stopped:
    at: float
    """Seconds likewise; the pause that shows it is before that."""


class TurnDetector:
    """Blocking, not thread-safe."""

    def __init__(self, rate: int, config: TurnDetection) -> None:
        """rate: Hertz, of the sound."""
        self.speaking = False
        self._config = config
        self._resampler = soxr.ResampleStream(rate, RATE, 1, "float32", quality="HQ")
        self._stream = SpeechStream()
        self._frames = 0
        """How many have been looked at."""
        self._row = 0
        """How many of the last ones are speech, while nobody speaks; or are not, while somebody does."""

    def add(self, samples: NDArray[np.int16]) -> list[Started | Stopped]:
        """What happens in the next sound."""
        sound = self._resampler.resample_chunk(samples.astype(np.float32) / 32768)
        return [found for probability in self._stream.add(sound) if (found := self._next(float(probability)))]

    def stop(self) -> None:
        """Whoever speaks has stopped, for another reason than a pause."""
        self.speaking, self._row = False, 0

    def _next(self, probability: float) -> Started | Stopped | None:
        config = self._config
        self._frames += 1
        threshold = config.threshold - (HYSTERESIS if self.speaking else 0)
        turns = (probability < threshold) if self.speaking else (probability >= threshold)
        self._row = self._row + 1 if turns else 0
        if not self.speaking and self._row >= BEGINS_AFTER:
            self.speaking, begun, self._row = True, self._frames - self._row, 0
            return Started(begun * FRAME / RATE)
        if self.speaking and self._row * FRAME / RATE * 1000 >= config.silence_duration_ms:
            self.stop()
            return Stopped(self._frames * FRAME / RATE)
        return None
