"""Finds the stretches of speech in a recording."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording
from ttsai_server.engines.shared.detector import FRAME, Detector

BLOCK, LEAD = 960, 32
"""Frames per step (31 s), and frames passed to the detector before them to warm up its state (1 s)."""
ON, OFF = 0.5, 0.35
"""Probability at which speech begins, and below which it ends: the detector's defaults. Lower ones find more whispered
speech, but also breaths."""
PAUSE = 2
"""Frames of silence (.06 s) that separate two stretches of speech."""
SHORTEST = 4
"""Least frames of a stretch (.13 s); anything shorter is a click."""
LONGEST = 30 * 31
"""Frames after which a stretch is cut, to bound a step."""

Stretch = tuple[int, int]
"""First sample, and the one after the last."""


def find_speech(recording: Recording, detect: Detector) -> Iterator[tuple[int, Sequence[Stretch]]]:
    """Yield, for each block, the number of samples processed so far and the stretches of speech that have ended.

    recording: mono, at 16 kHz.
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
    """Turns frame probabilities into stretches of frames, with hysteresis; an unfinished stretch is held back."""

    def __init__(self) -> None:
        self._ended: list[Stretch] = []
        self._first: int | None = None
        """First frame of the unfinished stretch."""
        self._last = 0
        """One past its last frame of speech."""
        self._count = 0
        """Frames so far."""

    def add(self, probabilities: NDArray[np.float32]) -> None:
        for probability in probabilities.tolist():
            self._add(probability)
            self._count += 1

    def close(self) -> None:
        """End the unfinished stretch."""
        if self._first is not None and self._last - self._first >= SHORTEST:
            self._ended.append((self._first, self._last))
        self._first = None

    def take(self) -> Sequence[Stretch]:
        ended, self._ended = self._ended, []
        return ended

    def _add(self, probability: float) -> None:
        speaking = self._first is not None and self._last == self._count
        if probability >= (OFF if speaking else ON):
            self._first = self._count if self._first is None else self._first
            self._last = self._count + 1
        elif self._count - self._last >= PAUSE:
            self.close()
        if self._first is not None and self._count - self._first >= LONGEST:
            self.close()
