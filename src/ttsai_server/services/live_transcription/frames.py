"""Sound as it comes in, cut into frames, and how likely each of them is speech."""

from collections.abc import Sequence
from contextlib import aclosing

import numpy as np
from numpy.typing import NDArray

from ttsai_server.domain import DETECTION_FRAME, ModelCard, SoundFrames
from ttsai_server.engines.base import SpeechDetector
from ttsai_server.services.context import ServiceContext

Samples = NDArray[np.float32]
"""float32 (n,), at the detector's rate."""
JUDGED = 3 * DETECTION_FRAME
"""Samples that the detector is asked about at least: asking costs more than judging."""
MOST_KEPT = 312 * DETECTION_FRAME
"""Samples (10 s) that wait for a detector that can't be asked now; older ones are lost."""
FAINT, RAISED, MOST_GAIN = 10 ** (-35 / 20), 10 ** (-20 / 20), 10 ** (60 / 20)
"""Where sound is fainter than FAINT (RMS), the detector, which misses faint speech, gets it amplified to RAISED, by at
most MOST_GAIN. Amplified noise is still no speech to it."""
FALL = 0.5 ** (1 / 312)
"""By which the level falls with each frame, while all is quieter: to half in 10 s."""


class JudgedFrames:
    """Follows one sound."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._rest = np.zeros(0, np.float32)
        """What has not been judged."""
        self.lost = 0
        """Samples that are lost before the next frame; for the caller to reset."""
        self._state: NDArray[np.float32] | None = None
        self._level = 0.0
        """Of the loudest frame lately, RMS."""

    async def judge(self, sound: Samples, detector: ModelCard) -> Sequence[tuple[Samples, float]]:
        """The next sound. → the frames that are complete now, and their probabilities of speech.

        Raises ModelLoading, or what loading the detector raises; the sound is judged with the next one then.
        """
        kept = self._rest[-MOST_KEPT:]
        self.lost += len(self._rest) - len(kept)
        self._rest = np.concatenate([kept, sound])
        count = len(self._rest) // DETECTION_FRAME * DETECTION_FRAME
        if count < JUDGED:
            return ()
        frames = self._rest[:count].reshape(-1, DETECTION_FRAME)
        asked = SoundFrames(self._raised(frames).reshape(-1), self._state)
        found: list[tuple[Samples, float]] = []
        async with (
            self._context.runtime.lease(detector) as handle,
            aclosing(handle.run(SpeechDetector.detect_speech, asked)) as steps,
        ):
            async for step in steps:
                self._state, self._rest = step.state, self._rest[count:]
                found += zip(frames, step.probabilities.tolist(), strict=True)
        return found

    def rest(self) -> Samples:
        """What has not been judged, and is not going to be."""
        rest, self._rest = self._rest, np.zeros(0, np.float32)
        return rest

    def _raised(self, frames: Samples) -> Samples:
        """The frames, (count, DETECTION_FRAME), amplified where all has been faint lately."""
        gains = np.ones((len(frames), 1), np.float32)
        for number, level in enumerate(np.sqrt(np.mean(np.square(frames), axis=1)).tolist()):
            self._level = max(level, self._level * FALL)
            if 0 < self._level < FAINT:
                gains[number] = min(RAISED / self._level, MOST_GAIN)
        return frames * gains
