"""Puts pieces of sound one after the other, each at its own time or as soon after it as the one before allows."""

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.dsp import stretch
from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio

MOST_STRETCH = 1.3
"""How much faster sound may be made to fit into its time; faster speech is hard to follow."""


class Timeline:
    """Writes to a recording, mono. Not thread-safe."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    @property
    def seconds(self) -> float:
        """Length so far."""
        return self._recording.seconds

    def add(self, samples: NDArray[np.float32], pause: float) -> tuple[float, float]:
        """Add sound, (n, 1), after a pause in seconds. → where it starts and ends, seconds."""
        self._recording.pad(round(pause * self._recording.rate))
        start = self.seconds
        self._recording.append(samples)
        return start, self.seconds

    def fit(self, samples: NDArray[np.float32], start: float, end: float) -> tuple[float, float]:
        """Add sound at `start`, or now if that is over, made so much faster that it ends at `end`, if it can.

        It is never made slower, nor more than MOST_STRETCH times as fast: what is still too long ends later. → where
        it starts and ends, seconds.
        """
        begin = max(start, self.seconds)
        seconds = len(samples) / self._recording.rate
        factor = min(MOST_STRETCH, seconds / max(end - begin, 0.001))
        if factor > 1:
            samples = stretch(Audio(samples, self._recording.rate), factor).samples
        return self.add(samples, begin - self.seconds)
