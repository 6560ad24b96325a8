"""Where the words of a written text are; and which parts of another form of it are theirs."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from unicodedata import category

import numpy as np
import regex
from numpy.typing import NDArray

UNITS = regex.compile(
    r"(?P<one>[\p{Ps}\p{Pi}]*(?:\p{Katakana}[\p{Katakana}ー]*|[\p{Han}\p{Hiragana}])\p{M}*[\p{P}ー--[\p{Ps}\p{Pi}]]*)"
    r"|(?:(?![\p{Ps}\p{Pi}]{0,3}[\p{Han}\p{Hiragana}\p{Katakana}]).)+",
    regex.VERSION1,
)
"""What a token without spaces is made of. `one`: a character with its punctuation, which counts as a word in scripts
without spaces."""
_TOKEN = regex.compile(r"\S+")
_LETTER, _GAP = 1.0, 0.3
"""What it costs to leave out a letter, or a gap between words."""
_OTHER = 1.5
"""What it costs to take one letter for another."""
_ROUNDING = 1e-6
_OPENING = ("Ps", "Pi")
"""Categories of punctuation that belongs to the next word."""

Span = tuple[int, int]
"""[start, end)"""
Floats = NDArray[np.float64]


def word_spans(text: str) -> Iterator[Span]:
    """The words of a text with adjacent punctuation, in order; what is only punctuation too, if it stands alone."""
    for token in _TOKEN.finditer(text):
        for unit in UNITS.finditer(token[0]):
            yield token.start() + unit.start(), token.start() + unit.end()


def cut_spans(text: str, cut: Callable[[str], Iterable[str]]) -> Iterator[Span]:
    """As `word_spans`, for a language without spaces. cut: a token → the words that it is made of."""
    for token in _TOKEN.finditer(text):
        start = at = token.start()
        worded = False
        for part in cut(token[0]):
            word = any(not is_gap(char) for char in part)
            found = text.find(part, at, token.end())
            if found >= at and worded and (word or category(part[0]) in _OPENING):
                yield start, found
                start, worded = found, False
            worded |= word
            at = max(at, found + len(part))
        yield start, token.end()


def align(words: Sequence[str], whole: str) -> list[Span]:
    """Which part of `whole` each of the words is, where it is about what they are together.

    The parts are in order and don't overlap; one is empty if nothing is like its word. Spaces and punctuation at their
    ends belong to none. It is the alignment of least edit distance (Wagner & Fischer, 1974), in time and memory in
    proportion to the product of the lengths.
    """
    given = "".join(f"{word} " for word in words)
    owners = [number for number, word in enumerate(words) for _ in f"{word} "]
    partners = [None if at is None else owners[at] for at in _partners(given, whole)]
    found: list[list[int]] = [[] for _ in words]
    for at, owner in _owned(partners, whole):
        found[owner].append(at)
    parts, end = list[Span](), 0
    for places in found:
        start, end = (places[0], places[-1] + 1) if places else (end, end)
        parts.append((start, end))
    return parts


def is_gap(char: str) -> bool:
    """Whether it is no part of a word: a space, punctuation, a control character."""
    return category(char)[0] in "PZC"


def _partners(given: str, whole: str) -> list[int | None]:
    """For each character of `whole` the place of the one in `given` that it stands for; None: for none."""
    out, into = _costs(given), _costs(whole)
    distances = _distances(given, whole, out, into)
    row, column = len(given), len(whole)
    partners: list[int | None] = [None] * column
    while row and column:
        here = distances[row, column] + _ROUNDING
        if distances[row - 1, column] + out[row - 1] <= here:
            row -= 1
        elif distances[row, column - 1] + into[column - 1] <= here:
            column -= 1
        else:
            row, column = row - 1, column - 1
            partners[column] = row
    return partners


def _costs(text: str) -> Floats:
    """What it costs to leave out each character."""
    return np.array([_GAP if is_gap(char) else _LETTER for char in text])


def _distances(given: str, whole: str, out: Floats, into: Floats) -> Floats:
    """(n + 1, m + 1): from the first characters of one to those of the other."""
    codes = np.array([ord(" " if is_gap(char) else char) for char in whole])
    inserted = np.append(0, np.cumsum(into))
    rows = np.empty((len(given) + 1, len(whole) + 1))
    rows[0] = inserted
    for number, char in enumerate(given):
        alike = codes == ord(" " if is_gap(char) else char)
        # a letter in the place of a gap costs more than to leave out both
        replaced = np.where(alike, 0, np.where(into == out[number], _OTHER, 2 * _LETTER))
        best = rows[number] + out[number]
        best[1:] = np.minimum(best[1:], rows[number][:-1] + replaced)
        rows[number + 1] = inserted + np.minimum.accumulate(best - inserted)
    return rows


def _owned(partners: Sequence[int | None], whole: str) -> Iterator[Span]:
    """(place, owner) of each letter of `whole`. partners: owner of each character, None where it is not known.

    A letter without one goes with the letter before it in its word, else with the next there; a word without any goes
    with the word before it.
    """
    last = next((partner for partner in partners if partner is not None), None)
    for letters in _runs(whole):
        known = next((partner for at in letters if (partner := partners[at]) is not None), last)
        for at in letters:
            partner = partners[at]
            known = known if partner is None else partner
            if known is not None:
                yield at, known
        last = known


def _runs(text: str) -> Iterator[list[int]]:
    """The places of the letters of each word."""
    for gap, places in groupby(range(len(text)), key=lambda at: is_gap(text[at])):
        if not gap:
            yield list(places)
