"""When each word is said, from the durations that the model predicts for its phonemes, and from its sound.

Measured on sibilants in fluent speech, a phoneme is heard LEAD before its predicted place, and a space between words is
the beginning of the next one. The silence of a pause is predicted as part of its neighbours. So a word begins with the
space before it and ends with its last phoneme, LEAD earlier, and without the silence at its ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ttsai_server.domain import SpokenWord
from ttsai_server.engines.kokoro.backend import ModelOutput
from ttsai_server.text.phonemes import WordPhonemes

Floats = NDArray[np.float32]
RATE, FRAME = 24_000, 600
"""Hertz; samples of one frame of the durations."""
LEAD = 2.3
"""Frames."""
SILENT = 10 ** (-38 / 20)
"""Sound below this share of the chunk's peak is silence."""
STEP = 120
"""Samples over which its loudness is taken."""


class WordClock:
    """Follows the sound of one text, chunk by chunk, and tells the words that have been said."""

    def __init__(self, text: str, phonemes: str, words: Sequence[WordPhonemes]) -> None:
        """words: in order, as `Phonemizers.phonemize_words` found them in `text` and `phonemes`."""
        self._text, self._phonemes, self._waiting = text, phonemes, deque(words)
        self._begin = self._end = 0
        """The phonemes of the current chunk: [begin, end)."""
        self._before = 0
        """Samples before the current chunk."""
        self._frames = np.zeros(2, np.float32)
        """Of each id of the current chunk, as far as it has been heard."""
        self._sound = np.zeros(0, np.float32)
        """Of the current chunk, as far as it has been heard."""

    def begin(self, chunk: str) -> None:
        """The next chunk, some of the phonemes, is about to be said."""
        self._before += len(self._sound)
        self._begin = self._phonemes.index(chunk, self._end)
        self._end = self._begin + len(chunk)
        self._frames, self._sound = np.zeros(len(chunk) + 2, np.float32), self._sound[:0]

    def hear(self, output: ModelOutput) -> tuple[SpokenWord, ...]:
        """More of the chunk has been said. → the words that have ended."""
        self._frames = self._frames + output.frames
        self._sound = np.concatenate([self._sound, output.waveform])
        reached = self._begin + int(np.flatnonzero(self._frames)[-1]) - 1
        said: list[SpokenWord] = []
        while self._waiting and self._is_over(self._waiting[0], reached, output.last):
            said.append(self._timed(self._waiting.popleft()))
        return tuple(said)

    def _is_over(self, word: WordPhonemes, reached: int, last: bool) -> bool:
        """reached: the phoneme that is under way. last: whether the whole chunk has been said."""
        if last:
            return word.first < self._end or self._end == len(self._phonemes)
        return word.last <= reached

    def _timed(self, word: WordPhonemes) -> SpokenWord:
        bounds = np.append(0, np.cumsum(self._frames))
        first, last = (int(np.clip(at, self._begin, self._end)) - self._begin for at in (word.first, word.last))
        first -= first > 0 and self._phonemes[self._begin + first - 1] == " "
        places = (max(0, round(FRAME * (float(bounds[at + 1]) - LEAD))) for at in (first, last))
        start, end = _audible(self._sound, *places)
        seconds = ((self._before + at) / RATE for at in (start, end))
        return SpokenWord(self._text[word.start : word.end], word.start, word.end, *seconds)


def _audible(sound: Floats, start: int, end: int) -> tuple[int, int]:
    """[start, end) without the silence at its ends, samples."""
    steps = sound[start:end][: (end - start) // STEP * STEP].reshape(-1, STEP)
    loud = np.flatnonzero(np.sqrt(np.mean(steps**2, axis=1)) > SILENT * np.max(np.abs(sound), initial=0))
    return (start + int(loud[0]) * STEP, start + (int(loud[-1]) + 1) * STEP) if len(loud) else (start, end)
