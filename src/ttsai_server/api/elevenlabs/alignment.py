"""When each character of a text is said, of the times of its words."""

from collections.abc import Iterable, Iterator
from itertools import chain

from ttsai_server.domain import SpokenWord
from ttsai_server.services.result_json import to_milliseconds

Moment = tuple[str, float, float]
"""A character, and when it is said: from, to, seconds."""


def spread(text: str, start: float, end: float) -> list[Moment]:
    """The characters of a text, to which its time is dealt out evenly."""
    step = (end - start) / max(1, len(text))
    return [(char, start + n * step, start + (n + 1) * step) for n, char in enumerate(text)]


class Alignment:
    """Goes through a text, word by word; what is between two words is said between them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._done = 0
        """Characters that have been told."""
        self._second = 0.0
        """When the last of them ends."""

    def words(self, words: Iterable[SpokenWord]) -> dict[str, list[object]]:
        """Up to the last of the next words. → schemas.AlignmentInfo"""
        return _columns(chain.from_iterable(map(self._word, words)))

    def rest(self, words: Iterable[SpokenWord], seconds: float) -> dict[str, list[object]]:
        """Up to the last word, and what follows it in the text. seconds: how long the sound is."""
        last = chain.from_iterable(map(self._word, words))
        return _columns(chain(last, self._until(len(self._text), seconds)))

    def _word(self, word: SpokenWord) -> Iterator[Moment]:
        yield from self._until(word.start_char, word.start_seconds)
        yield from self._until(word.end_char, word.end_seconds)

    def _until(self, char: int, second: float) -> Iterator[Moment]:
        yield from spread(self._text[self._done : char], self._second, second)
        self._done, self._second = char, second


def _columns(moments: Iterable[Moment]) -> dict[str, list[object]]:
    told = list(moments)
    return {
        "characters": [char for char, _, _ in told],
        "character_start_times_seconds": [to_milliseconds(start) for _, start, _ in told],
        "character_end_times_seconds": [to_milliseconds(end) for _, _, end in told],
    }
