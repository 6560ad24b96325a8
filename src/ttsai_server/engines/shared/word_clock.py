"""When each word is said, from the durations that a model predicts for its symbols, and from its sound.

A word begins with the space before it and ends with its last symbol, somewhat earlier than predicted (`Pace.lead`), and
without the silence at its ends: that of a pause is predicted as part of its neighbours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ttsai_server.domain import SpokenWord

if TYPE_CHECKING:  # an engine with phonemes of its own does without the packages of ours
    from ttsai_server.text.phonemes import WordPhonemes

Floats = NDArray[np.float32]
SILENT = 10 ** (-38 / 20)
"""Sound below this share of the chunk's peak is silence."""
STEPS_PER_SECOND = 200
"""Of sound whose loudness is taken."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a model's durations are to be read."""

    rate: int
    """Hertz, of the sound."""
    frame: int
    """Samples of one frame of the durations."""
    lead: float
    """Frames by which a symbol is heard before its predicted place."""


class WordClock:
    """Follows the sound of one text, chunk by chunk, and gives the words that have been said."""

    def __init__(self, text: str, symbols: str, words: Sequence[WordPhonemes], pace: Pace) -> None:
        """words: in order; where each is in the text, and in the symbols that the model is given for it."""
        self._text, self._symbols, self._waiting, self._pace = text, symbols, deque(words), pace
        self._begin = self._end = 0
        """The symbols of the current chunk: [begin, end)."""
        self._before = 0
        """Samples before the current chunk."""
        self._frames = np.zeros(2, np.float32)
        """Of each symbol of the current chunk, as far as it has been heard."""
        self._sound = np.zeros(0, np.float32)
        """Of the current chunk, as far as it has been heard."""

    def begin(self, chunk: str) -> None:
        """The next chunk, some of the symbols, is about to be said."""
        self._before += len(self._sound)
        self._begin = self._symbols.index(chunk, self._end)
        self._end = self._begin + len(chunk)
        self._frames, self._sound = np.zeros(len(chunk) + 2, np.float32), self._sound[:0]

    def hear(self, waveform: Floats, frames: Floats, *, last: bool) -> tuple[SpokenWord, ...]:
        """More of the chunk has been said. → the words that have ended.

        Args:
            waveform: (samples,), of what has been said.
            frames: (n + 2,), how much of each of its n symbols, and of what is before and after them, is in it.
            last: whether it is the end of the chunk.
        """
        self._frames = self._frames + frames
        self._sound = np.concatenate([self._sound, waveform])
        reached = self._begin + int(np.flatnonzero(self._frames)[-1]) - 1
        said: list[SpokenWord] = []
        while self._waiting and self._is_over(self._waiting[0], reached, last):
            said.append(self._timed(self._waiting.popleft()))
        return tuple(said)

    def _is_over(self, word: WordPhonemes, reached: int, last: bool) -> bool:
        """reached: the symbol that is under way. last: whether the whole chunk has been said."""
        if last:
            return word.first < self._end or self._end == len(self._symbols)
        return word.last <= reached

    def _timed(self, word: WordPhonemes) -> SpokenWord:
        bounds, pace = np.append(0, np.cumsum(self._frames)), self._pace
        first, last = (int(np.clip(at, self._begin, self._end)) - self._begin for at in (word.first, word.last))
        first -= first > 0 and self._symbols[self._begin + first - 1] == " "
        places = (max(0, round(pace.frame * (float(bounds[at + 1]) - pace.lead))) for at in (first, last))
        start, end = self._audible(*places)
        seconds = ((self._before + at) / pace.rate for at in (start, end))
        return SpokenWord(self._text[word.start : word.end], word.start, word.end, *seconds)

    def _audible(self, start: int, end: int) -> tuple[int, int]:
        """[start, end) of the sound without the silence at its ends, samples."""
        step = self._pace.rate // STEPS_PER_SECOND
        steps = self._sound[start:end][: (end - start) // step * step].reshape(-1, step)
        loud = np.flatnonzero(np.sqrt(np.mean(steps**2, axis=1)) > SILENT * np.max(np.abs(self._sound), initial=0))
        return (start + int(loud[0]) * step, start + (int(loud[-1]) + 1) * step) if len(loud) else (start, end)


def between(durations: Floats, begin: int, end: int) -> Floats:
    """The part of each duration, frames, within [begin, end); a negative begin prolongs the first one."""
    bounds = np.concatenate([[min(0, begin)], np.cumsum(durations)])
    return np.diff(np.clip(bounds, begin, end)).astype(np.float32)
