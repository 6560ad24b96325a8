"""Detects the languages within a chunk by Whisper's language detection, stretch by stretch.

The decoder can detect a language from a part of the encoder's output, so a second language within a chunk is found
at a fiftieth of the cost of encoding it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from ttsai_server.engines.shared.transcription.languages import ENGLISH, ISO
from ttsai_server.engines.shared.transcription.windows import RATE, Chunk

ENOUGH = 4.0
"""Seconds of speech that suffice to detect a language; for less, the detection for the whole chunk counts as well."""
STATES_PER_SECOND = 50
"""Rows of the encoder's output per second."""
CHANGE = 3.0
"""Cost of a change of language, in nats of log probability, so that a word or two are no change."""
LEAST = 1e-3
"""Lower bound of a language's probability, so that no single part decides."""

States = NDArray[np.float32]
"""(rows, size): the encoder's output for a chunk."""
Guess = Callable[[States], dict[str, float]]
"""Encoder output → the probability of each language, by Whisper's code."""


class Languages:
    """Follows the languages of one recording, chunk by chunk."""

    def __init__(self, guess: Guess) -> None:
        self._guess = guess
        self._last: str | None = None
        self._seconds: dict[str, float] = defaultdict(float)

    @property
    def main(self) -> str:
        """ISO code of the language spoken most so far; English before the first chunk."""
        return max(self._seconds, key=lambda code: self._seconds[code], default=ENGLISH)

    def find(self, chunk: Chunk, states: States) -> list[tuple[Chunk, str]]:
        """Cut the chunk where its language changes; returns each part with its ISO code."""
        cuts = range(1, len(chunk.stretches))
        parts = chunk.cut(*cuts)
        rows = [round(chunk.edges[cut] * STATES_PER_SECOND / RATE) for cut in (0, *cuts, len(chunk.stretches))]
        guesses = [self._guess(states[first : max(stop, first + 1)]) for first, stop in pairwise(rows)]
        path = self._path(parts, guesses, self._guess(states))
        for part, language in zip(parts, path, strict=True):
            self._seconds[language] += part.seconds
        self._last = path[-1]
        changes = [cut for cut, (before, after) in zip(cuts, pairwise(path), strict=True) if before != after]
        return list(zip(chunk.cut(*changes), (language for language, _ in groupby(path)), strict=True))

    def _path(self, parts: Sequence[Chunk], guesses: Sequence[dict[str, float]], whole: dict[str, float]) -> list[str]:
        """The likeliest language of each part, ISO codes, by the Viterbi algorithm. whole: the chunk's guess."""
        codes = list(guesses[0])
        *each, of_whole = np.log([[max(guess.get(code, 0), LEAST) for code in codes] for guess in (*guesses, whole)])
        shares = np.array([[min(1, part.seconds / ENOUGH)] for part in parts])
        scores = shares * np.array(each) + (1 - shares) * of_whole
        iso = [ISO.get(code, code) for code in codes]
        total = scores[0] - np.array([CHANGE * (self._last not in (None, code)) for code in iso])
        previous: list[NDArray[np.int64]] = []
        for here in scores[1:]:
            best = int(total.argmax())
            previous.append(np.where(total >= total[best] - CHANGE, np.arange(len(codes)), best))
            total = np.maximum(total, total[best] - CHANGE) + here
        path = [int(total.argmax())]
        for before in reversed(previous):
            path.append(int(before[path[-1]]))
        return [iso[i] for i in reversed(path)]
