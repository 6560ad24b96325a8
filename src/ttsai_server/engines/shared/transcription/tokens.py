"""Joins the tokens of a CTC or transducer model, which have a time but no duration, into words."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import regex

from ttsai_server.engines.shared.transcription.words import Aligned

SPACE = "▁"
"""SentencePiece's symbol for a space."""
RINGING = 0.3
"""Most seconds from a word's last token to its end."""
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]")
_LETTER = regex.compile(r"[\p{L}\p{M}\p{N}]")


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    """With its leading space, if any."""
    id: int
    start: float
    """Seconds."""
    probability: float = 1.0


def numbered(file: Path) -> list[tuple[str, int]]:
    """The pieces of a vocabulary with their ids, as `▁the 7` on each line. Raises ValueError for another file."""
    lines = file.read_text("utf-8").rstrip("\n").split("\n")  # a piece may be a separator of lines in Unicode
    rows = (line.rsplit(" ", 1) for line in lines)
    return [(piece, int(number)) for piece, number in rows]


def joined(tokens: Iterable[Token], seconds: float) -> list[Aligned]:
    """Words of an alphabet, and single Chinese or Japanese characters, each with its punctuation.

    seconds: length of the sound. A word's probability is the mean of its tokens'.
    """
    words: list[Aligned] = []
    for token in tokens:
        if words and _continues(words[-1].text, token.text):
            words.append(_longer(words.pop(), token))
        else:
            words.append(Aligned(token.text, (token.id,), token.start, token.start, token.probability))
    stops = [*(word.start for word in words[1:]), seconds]
    return [replace(word, end=min(word.end + RINGING, stop)) for word, stop in zip(words, stops, strict=False)]


def _longer(word: Aligned, token: Token) -> Aligned:
    count = len(word.tokens)
    probability = (word.probability * count + token.probability) / (count + 1)
    return Aligned(word.text + token.text, (*word.tokens, token.id), word.start, token.start, probability)


def _continues(word: str, text: str) -> bool:
    """Whether the text continues the word: punctuation, or letters of an alphabet after such letters."""
    if text.startswith(" "):
        return False
    return not _LETTER.search(text) or not (_UNSPACED.search(text) or _UNSPACED.search(word))
