"""Where somebody speaks: stretches of it in a recording."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording
from ttsai_server.engines.shared.detector import FRAME, Detector

BLOCK, LEAD = 960, 32
"""Frames of one step (31 s), and of what it hears before them, to get going (1 s)."""
ON, OFF = 0.5, 0.35
"""Probability at which speech begins, and under which it ends: the detector's own. Less hears more
of a whisper, but takes breaths for voices."""
PAUSE = 2
"""Frames of silence (.06 s) that part two stretches of speech."""
SHORTEST = 4
"""Frames of speech (.13 s) that are more than a click."""
LONGEST = 30 * 31
"""Frames after which a stretch is cut, so that a step is bounded."""

Stretch = tuple[int, int]
"""First sample, and the one after the last."""


def find_speech(recording: Recording, detect: Detector) -> Iterator[tuple[int, Sequence[Stretch]]]:
    """Block by block, how many samples have been heard, and the stretches of speech that have ended by then.

    The recording is mono, at 16 kHz.
    """
    stretches = _Stretches()
    for begin in range(0, -(-recording.frames // FRAME), BLOCK):
        lead = min(begin, LEAD)
        samples = recording.read((begin - lead) * FRAME, (lead + BLOCK) * FRAME)[:, 0]
        probabilities = detect(np.pad(samples, (0, -len(samples) % FRAME)))[lead:]
        end = min(recording.frames, (begin + BLOCK) * FRAME)
        stretches.add(probabilities)
        if end == recording.frames:
            stretches.close()
        yield end, [(first * FRAME, min(last * FRAME, end)) for first, last in stretches.take()]


class _Stretches:
    """Frames → stretches of them, with hysteresis; what may still go on is held back."""

    def __init__(self) -> None:
        self._ended: list[Stretch] = []
        self._first: int | None = None
        """Where the stretch that goes on began."""
        self._last = 0
        """The frame after its last that was speech."""
        self._heard = 0

    def add(self, probabilities: NDArray[np.float32]) -> None:
        for probability in probabilities.tolist():
            self._hear(probability)
            self._heard += 1

    def close(self) -> None:
        """The stretch that goes on ends."""
        if self._first is not None and self._last - self._first >= SHORTEST:
            self._ended.append((self._first, self._last))
        self._first = None

    def take(self) -> Sequence[Stretch]:
        ended, self._ended = self._ended, []
        return ended

    def _hear(self, probability: float) -> None:
        speaking = self._first is not None and self._last == self._heard
        if probability >= (OFF if speaking else ON):
            self._first = self._heard if self._first is None else self._first
            self._last = self._heard + 1
        elif self._heard - self._last >= PAUSE:
            self.close()
        if self._first is not None and self._heard - self._first >= LONGEST:
            self.close()
