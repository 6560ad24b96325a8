"""Finds where the user begins and stops to speak, by how likely each 32 ms of the sound are speech."""

from contextlib import aclosing
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from ttsai_server.domain import DETECTION_FRAME, Capability, SoundFrames
from ttsai_server.engines.base import SpeechDetector
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.live_transcription import RATE, SpeechDetection
from ttsai_server.services.live_transcription.bounds import LEAST_SPEECH, SpeechBounds
from ttsai_server.services.realtime.config import TurnDetection
from ttsai_server.services.realtime.sound import as_floats

JUDGED = 3 * DETECTION_FRAME
"""Samples that the model is asked about at least: asking costs more than judging."""


@dataclass(frozen=True, slots=True)
class Started:
    at: float
    """Seconds from the first sound that the detector was given."""


@dataclass(frozen=True, slots=True)
class Stopped:
    at: float
    """Seconds likewise; the pause that shows it is before that."""


def speech_detection(config: TurnDetection) -> SpeechDetection:
    return SpeechDetection(config.threshold, config.prefix_padding_ms / 1000, config.silence_duration_ms / 1000)


class TurnDetector:
    """Follows one sound."""

    def __init__(self, context: ServiceContext, rate: int, config: TurnDetection) -> None:
        """rate: Hertz, of the sound."""
        self._context = context
        self._card = context.catalog.resolve(
            context.settings.transcription.speech_detector, Capability.SPEECH_DETECTION
        )
        self._detection = speech_detection(config)
        self._resampler = None if rate == RATE else soxr.ResampleStream(rate, RATE, 1, "float32", quality="HQ")
        self._bounds = SpeechBounds()
        self._unjudged = np.zeros(0, np.float32)
        self._state: NDArray[np.float32] | None = None
        self._frames = 0
        """How many have been judged."""

    @property
    def speaking(self) -> bool:
        return self._bounds.speaking

    async def add(self, samples: NDArray[np.int16]) -> list[Started | Stopped]:
        """What happens in the next sound. Raises ModelLoading, or what loading the detector raises."""
        sound = as_floats(samples)
        sound = self._resampler.resample_chunk(sound) if self._resampler else sound
        self._unjudged = np.concatenate([self._unjudged, sound])
        count = len(self._unjudged) // DETECTION_FRAME * DETECTION_FRAME
        if count < JUDGED:
            return []
        frames, self._unjudged = np.split(self._unjudged, [count])
        async with (
            self._context.runtime.lease(self._card) as handle,
            aclosing(handle.run(SpeechDetector.detect_speech, SoundFrames(frames, self._state))) as steps,
        ):
            async for step in steps:
                self._state = step.state
                return [found for each in step.probabilities if (found := self._next(float(each)))]
        return []

    def stop(self) -> None:
        """Whoever speaks has stopped, for another reason than a pause."""
        self._bounds = SpeechBounds()

    def _next(self, probability: float) -> Started | Stopped | None:
        spoke = self._bounds.speaking
        self._bounds.add(probability, self._detection)
        self._frames += 1
        if self._bounds.speaking == spoke:
            return None
        if spoke:
            return Stopped(self._frames * DETECTION_FRAME / RATE)
        return Started((self._frames - LEAST_SPEECH) * DETECTION_FRAME / RATE)
