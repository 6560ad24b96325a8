"""Finds where the user begins and stops to speak, by how likely each 32 ms of the sound are speech."""

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from ttsai_server.domain import DETECTION_FRAME, Capability
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.live_transcription import RATE, SpeechDetection
from ttsai_server.services.live_transcription.bounds import LEAST_SPEECH, SpeechBounds
from ttsai_server.services.live_transcription.frames import JudgedFrames
from ttsai_server.services.realtime.config import TurnDetection
from ttsai_server.services.realtime.sound import as_floats


@dataclass(frozen=True, slots=True)
class Started:
    at: float
    """Seconds from the first sound that the detector was given."""


@dataclass(frozen=True, slots=True)
class Stopped:
    at: float
    """Seconds likewise; the pause that shows it is before that."""
    spoken: float
    """Where the last speech ended, seconds likewise."""


def speech_detection(config: TurnDetection) -> SpeechDetection:
    return SpeechDetection(config.threshold, config.prefix_padding_ms / 1000, config.silence_duration_ms / 1000)


class TurnDetector:
    """Follows one sound."""

    def __init__(self, context: ServiceContext, rate: int, config: TurnDetection) -> None:
        """rate: Hertz, of the sound."""
        self._card = context.catalog.resolve(
            context.settings.transcription.speech_detector, Capability.SPEECH_DETECTION
        )
        self._detection = speech_detection(config)
        self._resampler = None if rate == RATE else soxr.ResampleStream(rate, RATE, 1, "float32", quality="HQ")
        self._bounds = SpeechBounds()
        self._frames = JudgedFrames(context)
        self._count = 0
        """How many have been judged."""

    @property
    def speaking(self) -> bool:
        return self._bounds.speaking

    @property
    def silence(self) -> float:
        """Seconds without speech up to now."""
        return self._bounds.silence * DETECTION_FRAME / RATE

    @property
    def spoken(self) -> float:
        """Where the last speech ended, seconds from the first sound that the detector was given."""
        return (self._count - self._bounds.silence) * DETECTION_FRAME / RATE

    async def add(self, samples: NDArray[np.int16]) -> list[Started | Stopped]:
        """What happens in the next sound. Raises as `JudgedFrames.judge`."""
        sound = as_floats(samples)
        sound = self._resampler.resample_chunk(sound) if self._resampler else sound
        judged = await self._frames.judge(sound, self._card)
        self._count, self._frames.lost = self._count + self._frames.lost // DETECTION_FRAME, 0
        return [found for _, probability in judged if (found := self._next(probability))]

    def stop(self) -> None:
        """Whoever speaks has stopped, for another reason than a pause."""
        self._bounds = SpeechBounds()

    def _next(self, probability: float) -> Started | Stopped | None:
        spoke = self._bounds.speaking
        self._bounds.add(probability, self._detection)
        self._count += 1
        if self._bounds.speaking == spoke:
            return None
        if spoke:
            return Stopped(self._count * DETECTION_FRAME / RATE, self.spoken)
        return Started((self._count - LEAST_SPEECH) * DETECTION_FRAME / RATE)
