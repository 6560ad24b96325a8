"""When each character of a text is said, of the times of its words."""

from collections.abc import Iterable, Iterator

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
        self._offset = 0
        """Where in it the words' own text begins."""
        self._done = 0
        """How many of its characters have been returned."""
        self._second = 0.0
        """When the last of them ends."""

    def extend(self, text: str) -> None:
        """The next words are of this text, which follows."""
        self._offset = len(self._text)
        self._text += text

    def words(self, words: Iterable[SpokenWord]) -> list[Moment]:
        """Up to the last of the next words."""
        return [moment for word in words for moment in self._word(word)]

    def spaced(self, words: Iterable[SpokenWord], seconds: float) -> list[Moment]:
        """Up to the last word, and the spaces after it. seconds: how long the sound is, in which they are said."""
        moments, rest = self.words(words), self._text[self._done :]
        moments += self._until(self._done + len(rest) - len(rest.lstrip()), seconds)
        return moments

    def rest(self, words: Iterable[SpokenWord], seconds: float) -> list[Moment]:
        """Up to the last word, and what follows it in the text. seconds: how long the sound is."""
        return [*self.words(words), *self._until(len(self._text), seconds)]

    def _word(self, word: SpokenWord) -> Iterator[Moment]:
        yield from self._until(self._offset + word.start_char, word.start_seconds)
        yield from self._until(self._offset + word.end_char, word.end_seconds)

    def _until(self, char: int, second: float) -> list[Moment]:
        moments = spread(self._text[self._done : char], self._second, second)
        self._done, self._second = char, second
        return moments


def columns(moments: Iterable[Moment]) -> dict[str, list[object]]:
    """→ schemas.AlignmentInfo"""
    told = list(moments)
    return {
        "characters": [char for char, _, _ in told],
        "character_start_times_seconds": [to_milliseconds(start) for _, start, _ in told],
        "character_end_times_seconds": [to_milliseconds(end) for _, _, end in told],
    }


def chunk_columns(moments: Iterable[Moment], start: float) -> dict[str, list[object]]:
    """As the WebSockets send it, in whole milliseconds since the chunk began. start: when that was, seconds."""
    timed = [(char, round((begin - start) * 1000), round((end - start) * 1000)) for char, begin, end in moments]
    return {
        "chars": [char for char, _, _ in timed],
        "charStartTimesMs": [begin for _, begin, _ in timed],
        "charDurationsMs": [end - begin for _, begin, end in timed],
    }
