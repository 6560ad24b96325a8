"""Where a text that was made from another has its characters from."""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import regex

from ttsai_server.text.clean import speakable
from ttsai_server.text.words import Span, is_gap

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_TOKEN = regex.compile(r"(?P<word>[\p{L}\p{M}\p{N}]+)|(?P<sign>\S)|\s+")
_WRITTEN = regex.compile(r"\S+")
FARTHEST = 64
"""Most words of a text that may be missing in one place of what is made from it; more are taken for other words."""
NEAREST = 2
"""Most words that are missing before a word whose next word is missing too."""


@dataclass(frozen=True, slots=True)
class SourceMap:
    """A text, and where each of its characters comes from in the text that it was made from, in order."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]
    """A character comes from [start, end); what was put in between comes from nothing: start == end."""

    @property
    def complete(self) -> bool:
        """Whether every letter and digit comes from somewhere."""
        return not any(speakable(self.text[at]) for at in range(len(self.text)) if self.starts[at] == self.ends[at])

    def span(self, start: int, end: int) -> Span:
        """Where [start, end) comes from, without what was put in at its ends; empty if it comes from nothing."""
        if own := [at for at in range(start, end) if self.starts[at] < self.ends[at]]:
            return self.starts[own[0]], self.ends[own[-1]]
        place = self.starts[start] if start < len(self.starts) else (self.ends[-1] if self.ends else 0)
        return place, place


def identity(text: str) -> SourceMap:
    """A text that was not changed."""
    return SourceMap(text, range(len(text)), range(1, len(text) + 1))


def substituted(text: str, pattern: regex.Pattern[str], say: Callable[[regex.Match[str]], str]) -> SourceMap:
    """As `pattern.sub(say, text)`; each character of a replacement comes from all that it replaces."""
    made = _Builder()
    for match in pattern.finditer(text):
        made.copy(text, made.reached, match.start())
        made.put(say(match), *match.span())
    made.copy(text, made.reached, len(text))
    return made.map()


def traced(source: str, text: str) -> SourceMap:
    """Where `text` comes from in `source`, of which it has most words, in their order: found by comparing them.

    In linear time. A word that `source` does not have comes from what is there in its place. To keep words
    from being found in what is known to have been left out, blank it first.
    """
    if source == text:
        return identity(text)
    made, at = _Builder(), 0
    for given, word in [*_pairs(source, text), ((len(source), len(source)), (len(text), len(text)))]:
        _fill(made, source, given[0], text[at : word[0]])
        if source[slice(*given)] == text[slice(*word)]:
            made.copy(source, *given)
        else:
            made.put(text[slice(*word)], *given)
        at = word[1]
    return made.map()


class _Builder:
    """Makes a SourceMap from its start to its end."""

    def __init__(self) -> None:
        self.reached = 0
        """How far the text has been read from which it comes."""
        self._parts: list[str] = []
        self._starts: list[int] = []
        self._ends: list[int] = []

    def copy(self, source: str, start: int, end: int) -> None:
        """Add source[start:end] as it is."""
        self._parts.append(source[start:end])
        self._starts += range(start, end)
        self._ends += range(start + 1, end + 1)
        self.reached = end

    def put(self, text: str, start: int, end: int) -> None:
        """Add a text that comes from [start, end) as a whole."""
        self._parts.append(text)
        self._starts += [start] * len(text)
        self._ends += [end] * len(text)
        self.reached = end

    def map(self) -> SourceMap:
        return SourceMap("".join(self._parts), self._starts, self._ends)


def _fill(made: _Builder, source: str, end: int, text: str) -> None:
    """Add a text between two words that `source` has. end: where the second one begins there."""
    if source[made.reached : end] == text:
        made.copy(source, made.reached, end)
        return
    for token in _TOKEN.finditer(text):
        sign = source.find(token[0], made.reached, end) if token["sign"] else -1
        if sign >= 0:
            made.copy(source, sign, sign + 1)
        elif token["word"]:
            made.put(token[0], *_content(source, made.reached, end))
        else:
            made.put(token[0], made.reached, made.reached)


def _content(source: str, start: int, end: int) -> Span:
    """What is written next in source[start:end], without punctuation at its ends; nothing if there is only that."""
    for token in _WRITTEN.finditer(source, start, end):
        if places := [at for at in range(*token.span()) if not is_gap(source[at])]:
            return places[0], places[-1] + 1
    return start, start


def _pairs(source: str, text: str) -> Iterator[tuple[Span, Span]]:
    """Where words of the text are in the source, and in the text, in order."""
    given, said = _words(source), _words(text)
    at = 0
    for place, (span, word) in enumerate(said):
        following = _word_at(said, place + 1)
        near = given[at : at + FARTHEST]
        for number, (found, other) in enumerate(near):
            if other == word and (number <= NEAREST or _word_at(given, at + number + 1) == following):
                yield found, span
                at += number + 1
                break


def _words(text: str) -> list[tuple[Span, str]]:
    return [(match.span(), unicodedata.normalize("NFC", match[0])) for match in _WORD.finditer(text)]


def _word_at(words: Sequence[tuple[Span, str]], at: int) -> str | None:
    return words[at][1] if at < len(words) else None
