"""Splits phonemes into chunks that fit the model's input."""

import re

_BREAKS = (
    re.compile(r"(?<=[.!?…])\s*"),
    re.compile(r"(?<=[;:—])\s*"),
    re.compile(r"(?<=[,)”])\s*"),
    re.compile(r"\s+"),
)
"""Where to split, best first: after a sentence, a clause, a phrase, a word."""


def split(phonemes: str, longest: int) -> list[str]:
    """Split into pieces of at most `longest` phonemes, losing nothing but spaces at their ends.

    A piece ends at the best kind of break in its second half; only a word longer than `longest` is split.
    """
    pieces: list[str] = []
    rest = phonemes.strip()
    while len(rest) > longest:
        end = _end(rest, longest)
        pieces.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*pieces, rest] if rest else pieces


def _end(text: str, longest: int) -> int:
    """Length of the first piece of `text`, which is longer than `longest`: 1 to `longest`."""
    for kind in _BREAKS:
        ends = [m.start() for m in kind.finditer(text, 1, longest + 1) if longest // 2 <= m.start() <= longest]
        if ends:
            return ends[-1]
    words = [m.start() for m in _BREAKS[-1].finditer(text, 1, longest + 1)]
    return words[-1] if words else longest
