"""Which language is spoken where: Whisper's own guess, for each stretch of what its encoder has made of a chunk.

The decoder guesses a language from whatever it is shown. A stretch of the encoder's output is enough for it, so a
second language within a chunk is found for a fiftieth of the work of encoding it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from ttsai_server.engines.shared.listening.languages import ENGLISH, ISO
from ttsai_server.engines.shared.listening.windows import RATE, Chunk

ENOUGH = 4.0
"""Seconds of speech that tell their language; of less the model knows less than of the chunk that it is a part of."""
STATES_PER_SECOND = 50
"""Rows of the encoder's output."""
CHANGE = 3.0
"""What a change of language costs, in nats of the model's surety: a word or two are no change."""
LEAST = 1e-3
"""Probability that a language has at least: no part is surer than that."""

States = NDArray[np.float32]
"""(rows, size): what the encoder makes of a chunk."""
Guess = Callable[[States], dict[str, float]]
"""States → the probability of each language, by Whisper's code."""


class Languages:
    """Follows the languages of one recording, chunk by chunk."""

    def __init__(self, guess: Guess) -> None:
        self._guess = guess
        self._last: str | None = None
        self._seconds: dict[str, float] = defaultdict(float)

    @property
    def main(self) -> str:
        """ISO code of what has been spoken most so far; English before anything is heard."""
        return max(self._seconds, key=lambda code: self._seconds[code], default=ENGLISH)

    def find(self, chunk: Chunk, states: States) -> list[tuple[Chunk, str]]:
        """The chunk, cut where its language changes, and each part's ISO code."""
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
        """The likeliest sequence of languages, by dynamic programming (Viterbi); whole: the guess of all parts."""
        codes = list(guesses[0])
        *each, of_whole = np.log([[max(guess.get(code, 0), LEAST) for code in codes] for guess in (*guesses, whole)])
        shares = np.array([[min(1, part.seconds / ENOUGH)] for part in parts])
        surety = shares * np.array(each) + (1 - shares) * of_whole
        iso = [ISO.get(code, code) for code in codes]
        total = surety[0] - np.array([CHANGE * (self._last not in (None, code)) for code in iso])
        came: list[NDArray[np.int64]] = []
        for here in surety[1:]:
            best = int(total.argmax())
            came.append(np.where(total >= total[best] - CHANGE, np.arange(len(codes)), best))
            total = np.maximum(total, total[best] - CHANGE) + here
        path = [int(total.argmax())]
        for before in reversed(came):
            path.append(int(before[path[-1]]))
        return [iso[i] for i in reversed(path)]
