"""From what Whisper aligned to words and sentences with times in the recording."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from ttsai_server.domain import Segment, Word
from ttsai_server.engines.shared.listening.windows import RATE, Chunk
from ttsai_server.text.split import sentence_ends

UNSPACED = {"zh", "ja", "th", "lo", "my", "yue"}
"""Languages that write no spaces, as Whisper counts them: what can be written alone is a word."""
PAUSE = 1.0
"""Seconds of silence that end a sentence, whatever the punctuation."""

SHORTEST_WORD = 0.02
"""Seconds; words that are said in one breath may be heard at one moment."""
LONGEST_WORD = 2.0
"""Seconds of speech, pauses left out, that no one word takes."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """A word, or a part of one, as the model writes it, with its times in the chunk."""

    text: str
    """With the space before it, if it is written with one."""
    tokens: tuple[int, ...]
    start: float
    end: float
    probability: float

    @property
    def middle(self) -> float:
        return (self.start + self.end) / 2


def unheard(words: Sequence[Aligned], seconds: float) -> tuple[float, float] | None:
    """From the first to the last moment of a chunk of so many seconds whose speech has no word of its own.

    The words around it are stretched over it, or leave it out. None if every moment has its word.
    """
    edges = [0.0, *(edge for word in words for edge in (word.start, word.end)), seconds]
    gaps = [(start, end) for start, end in pairwise(edges) if end - start > LONGEST_WORD]
    return (gaps[0][0], gaps[-1][1]) if gaps else None


def between(words: Iterable[Aligned], start: float, end: float) -> list[Aligned]:
    """The words whose middles are in [start, end), with times that count from `start`.

    A word of which a part lies across a border is whole on one side of it, and on that side alone.
    """
    return [
        replace(word, start=word.start - start, end=word.end - start) for word in words if start <= word.middle < end
    ]


def sentences(parts: Iterable[Aligned], chunk: Chunk, heard: Segment, language: str) -> Generator[Segment]:
    """Cut what was heard in a chunk into its sentences; each is `heard` with its own text, times, words and tokens.

    language: ISO 639-1 code of what is written.
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
        yield replace(heard, text=text, start=words[0].start, end=words[-1].end, words=tuple(words), tokens=tokens)
        begin = end


def whole_words(parts: Iterable[Aligned]) -> list[Aligned]:
    """Join what is written without a space: `1` and `,250`, `second` and `-hand`."""
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
    """Words, in order and inside [start, end], none shorter than SHORTEST_WORD: what it lacks, its neighbours give.

    Where there is no room for that, all are as long.
    """
    least = min(SHORTEST_WORD, (end - start) / max(1, len(words)))
    latest = [end - least * left for left in range(len(words), 0, -1)]
    made: list[Word] = []
    for word, last in zip(words, latest, strict=True):
        begin = min(max(word.start, made[-1].end if made else start), last)
        made.append(replace(word, start=begin, end=min(max(word.end, begin + least), last + least)))
    return made


def _ends(aligned: Sequence[Aligned], placed: Sequence[Word], language: str) -> Generator[int]:
    """After how many words each sentence ends."""
    text = "".join(word.text for word in aligned)
    ends = {len(text[:end].rstrip()) for end in sentence_ends(text, language)}
    for number, length in enumerate(accumulate(len(word.text) for word in aligned), start=1):
        last = number == len(aligned)
        if last or length in ends or placed[number].start - placed[number - 1].end >= PAUSE:
            yield number
