"""Turns a chunk's aligned tokens into words and sentences with times in the recording."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from ttsai_server.domain import Segment, Word
from ttsai_server.engines.shared.transcription.windows import RATE, Chunk
from ttsai_server.text.split import sentence_ends

UNSPACED = {"zh", "ja", "th", "lo", "my", "yue"}
"""Languages written without spaces, according to Whisper: each aligned part is a word."""
PAUSE = 1.0
"""Seconds of silence that end a sentence, whatever the punctuation."""

SHORTEST_WORD = 0.02
"""Seconds; the alignment may give words that are spoken quickly the same time."""
LONGEST_WORD = 2.0
"""Seconds of speech, without pauses; no word is longer."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """A word, or a part of one, as the model writes it, with its times in the chunk, seconds."""

    text: str
    """With its leading space, if any."""
    tokens: tuple[int, ...]
    start: float
    end: float
    probability: float

    @property
    def middle(self) -> float:
        return (self.start + self.end) / 2


def omitted(words: Sequence[Aligned], seconds: float) -> tuple[float, float] | None:
    """First and last second of a chunk's speech for which there are no words; None if there are words throughout.

    Speech without words is a gap between words, or a word, of more than LONGEST_WORD. seconds: the chunk's length.
    """
    edges = [0.0, *(edge for word in words for edge in (word.start, word.end)), seconds]
    gaps = [(start, end) for start, end in pairwise(edges) if end - start > LONGEST_WORD]
    return (gaps[0][0], gaps[-1][1]) if gaps else None


def between(words: Iterable[Aligned], start: float, end: float) -> list[Aligned]:
    """The words whose midpoints are in [start, end), with times relative to `start`, all in seconds."""
    return [
        replace(word, start=word.start - start, end=word.end - start) for word in words if start <= word.middle < end
    ]


def sentences(parts: Iterable[Aligned], chunk: Chunk, whole: Segment, language: str) -> Generator[Segment]:
    """Split a chunk's transcript into sentences: copies of `whole` with their own text, times, words and tokens.

    language: ISO 639-1 code of the transcript.
    """
    aligned = list(parts) if language in UNSPACED else whole_words(parts)
    if not aligned:
        return
    bounds = chunk.stretches[0][0] / RATE, chunk.stretches[-1][1] / RATE
    placed = lasting([_placed(word, chunk) for word in aligned], *bounds)
    begin = 0
    for end in _ends(aligned, placed, language):
        words, own = placed[begin:end], aligned[begin:end]
        text = "".join(word.text for word in own).strip()
        tokens = tuple(token for word in own for token in word.tokens)
        yield replace(whole, text=text, start=words[0].start, end=words[-1].end, words=tuple(words), tokens=tokens)
        begin = end


def whole_words(parts: Iterable[Aligned]) -> list[Aligned]:
    """Join parts that are written without a space: `1` and `,250`, `second` and `-hand`."""
    words: list[Aligned] = []
    for part in parts:
        if words and not part.text.startswith(" "):
            part = _joined(words.pop(), part)
        words.append(part)
    return words


def _joined(one: Aligned, other: Aligned) -> Aligned:
    probability = one.probability * len(one.tokens) + other.probability * len(other.tokens)
    tokens = one.tokens + other.tokens
    return Aligned(one.text + other.text, tokens, one.start, other.end, probability / len(tokens))


def _placed(word: Aligned, chunk: Chunk) -> Word:
    start, end = (chunk.time(moment, word.middle) for moment in (word.start, word.end))
    return Word(word.text.strip(), start, end, word.probability, joined=not word.text.startswith(" "))


def lasting(words: Sequence[Word], start: float, end: float) -> list[Word]:
    """Make the words ordered, within [start, end] seconds and no shorter than SHORTEST_WORD, at their neighbours'
    expense; if there is no room for that, all get the same length."""
    least = min(SHORTEST_WORD, (end - start) / max(1, len(words)))
    latest = [end - least * left for left in range(len(words), 0, -1)]
    adjusted: list[Word] = []
    for word, last in zip(words, latest, strict=True):
        begin = min(max(word.start, adjusted[-1].end if adjusted else start), last)
        adjusted.append(replace(word, start=begin, end=min(max(word.end, begin + least), last + least)))
    return adjusted


def _ends(aligned: Sequence[Aligned], placed: Sequence[Word], language: str) -> Generator[int]:
    """Number of words up to the end of each sentence."""
    text = "".join(word.text for word in aligned)
    ends = {len(text[:end].rstrip()) for end in sentence_ends(text, language)}
    for number, length in enumerate(accumulate(len(word.text) for word in aligned), start=1):
        last = number == len(aligned)
        if last or length in ends or placed[number].start - placed[number - 1].end >= PAUSE:
            yield number
