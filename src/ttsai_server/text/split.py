"""Splits a long text into pieces that an engine can speak in one step, where a reader would pause.

Sentences are found by `sentencex` (Wikimedia, MIT), which keeps every character, knows each language's abbreviations
and takes 5 ns per character. Lines, and sentences that are too long, are handled here.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from itertools import accumulate

import regex
import sentencex

from ttsai_server.text.clean import speakable

_PARAGRAPH_END = regex.compile(r"\n\s*\n\s*")
_SHORT_LINE = regex.compile(r"^(.{0,49})\n(?=[^\S\n]*\S)", regex.MULTILINE)
"""A line of a list or a verse; a longer line is wrapped prose."""
_LINE_END = "\x1e"
"""Placeholder for the end of a short line, which is read as a comma unless there is punctuation."""
_READ_AS_COMMA = regex.compile(r"(?<=[\p{L}\p{N}])\s*\x1e")
_NO_END = regex.compile(r"\b(?:\p{L}\.){2,}\s*$")
"""`p.m.`: not the end of a sentence if the next word is in lower case."""
_TITLE = regex.compile(r"(?:\p{Lu}\p{Ll}{0,3}|\p{N}{1,3})\.\s*$")
"""`M.`, `1.`: too little for a piece."""
_CLAUSES = (
    regex.compile(r"""[;:؛…]['"”’»)\]]*\s+ | (?<!\d)[—–](?!\d)\s* | \s-+\s+ | [；：]\s*""", regex.VERBOSE),
    regex.compile(r"""[,،]['"”’»)\]]*\s+ | [)\]]\s+ | \s(?=[(\[]) | [、，]\s*""", regex.VERBOSE),
)
"""Punctuation to split a sentence at, the strongest first."""
_WORD = regex.compile(r"\s+")
_NATURAL = regex.compile(r"(?<=\w{4})\s+(?=\w{1,3}\s)")
"""Before a short word after a long one: `people | of the`. In most languages a short word leads the next phrase."""
_GRAPHEME = regex.compile(r"\X")


class Cut(float, Enum):
    """What a piece ends with; the value is the pause after it, seconds at the voice's normal speed."""

    PARAGRAPH = 0.6
    SENTENCE = 0.35
    CLAUSE = 0.15
    NONE = 0.0


@dataclass(frozen=True, slots=True)
class Piece:
    """Text for one step of an engine."""

    text: str
    """The text to speak, with single spaces."""
    start: int
    end: int
    """The piece is [start, end) of the given text; the pieces tile it."""
    pause: float
    """Pause after it, seconds at the voice's normal speed."""


def pieces(text: str, longest: int, language: str = "en") -> Iterator[Piece]:
    """Split a text lazily, in linear time. Nothing is lost: what can't be spoken belongs to a neighbouring piece.

    Args:
        text: cleaned; without a letter or a digit there are no pieces.
        longest: most characters of a piece, in the given text (commas added for newlines don't count).
        language: ISO 639-1, for its abbreviations.
    """
    held: Piece | None = None
    start = 0
    for piece in _cut(text, longest, language):
        if not piece.text:
            # only punctuation: it belongs to the previous piece, or to the next one
            held = held and replace(held, end=piece.end, pause=max(held.pause, piece.pause))
        else:
            if held:
                yield held
                start = held.end
            held = replace(piece, start=start)
    if held:
        yield held


def sentences(text: str, language: str = "en") -> Iterator[tuple[int, int]]:
    """Where each sentence begins and ends, with the blanks after it; they tile the text. language: ISO 639-1."""
    for start, end in _paragraphs(text):
        at = start
        for stop in sentence_ends(_SHORT_LINE.sub(rf"\1{_LINE_END}", text[start:end]), language):
            yield at, start + stop
            at = start + stop
        if at < end:
            yield at, end


def _cut(text: str, longest: int, language: str) -> Iterator[Piece]:
    """The pieces, and those in between that can't be spoken, with an empty text."""
    for start, end in _paragraphs(text):
        block = _SHORT_LINE.sub(rf"\1{_LINE_END}", text[start:end])
        sentences = sentence_ends(block, language)
        at = 0
        while at < len(block):
            stop, cut = _next(block, at, longest, sentences)
            yield Piece(_said(block[at:stop]), start + at, start + stop, cut)
            at = stop


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for gap in _PARAGRAPH_END.finditer(text):
        yield start, gap.end()
        start = gap.end()
    if start < len(text):
        yield start, len(text)


def sentence_ends(block: str, language: str) -> list[int]:
    """Offsets in `block` where its sentences end, including the blanks after them; a short line is a sentence."""
    found: list[str] = sentencex.segment(language, block)  # pyright: ignore[reportAttributeAccessIssue] compiled
    ends = accumulate(map(len, found))
    whole = {end for end, sentence in zip(ends, found, strict=True) if _is_whole(sentence, block[end : end + 1])}
    return sorted(whole | {i + 1 for i, char in enumerate(block) if char == _LINE_END})


def _is_whole(sentence: str, following: str) -> bool:
    return not _TITLE.match(sentence) and not (following.islower() and _NO_END.search(sentence, len(sentence) - 12))


def _said(block: str) -> str:
    """The text for the engine; empty if there is nothing to speak."""
    return " ".join(_READ_AS_COMMA.sub(", ", block).replace(_LINE_END, " ").split()) if speakable(block) else ""


def _next(block: str, start: int, limit: int, sentences: list[int]) -> tuple[int, Cut]:
    """End of the piece that begins at `start`, and what it ends with."""
    if len(block) - start <= limit:
        return len(block), Cut.PARAGRAPH
    few = max(1, limit // 4)
    # leave something worth a piece of its own
    stop = min(start + limit, len(block) - few)
    if (sentence := _last_sentence(sentences, start, stop)) >= start + few:
        return sentence, Cut.SENTENCE
    for pattern in _CLAUSES:
        if clause := _last(pattern, block, start + few, stop):
            return clause, Cut.CLAUSE
    if sentence:
        return sentence, Cut.SENTENCE
    word = _last(_NATURAL, block, start + limit // 2, stop) or _last(_WORD, block, start + 1, stop)
    return word or _grapheme(block, start, stop), Cut.NONE


def _last_sentence(sentences: list[int], start: int, stop: int) -> int:
    """The last sentence end in (start, stop], else 0."""
    at = bisect_right(sentences, stop)
    return sentences[at - 1] if at and sentences[at - 1] > start else 0


def _last(pattern: regex.Pattern[str], text: str, start: int, stop: int) -> int:
    """The end of the last match within [start, stop], else 0."""
    # one more character, to detect a match that would continue
    return max((m.end() for m in pattern.finditer(text, start, stop + 1) if m.end() <= stop), default=0)


def _grapheme(text: str, start: int, stop: int) -> int:
    """The last grapheme boundary at or before `stop`; `stop` itself if there is none after `start`."""
    *_, last = _GRAPHEME.finditer(text, start, stop + 1)
    return stop if last.start() <= start else min(last.start(), stop)
