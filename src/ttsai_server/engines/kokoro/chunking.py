"""Split phonemes that are too long for one step of the model; nothing is lost."""

import re

_BREAKS = (
    re.compile(r"(?<=[.!?…])\s*"),
    re.compile(r"(?<=[;:—])\s*"),
    re.compile(r"(?<=[,)”])\s*"),
    re.compile(r"\s+"),
)
"""Where to break, best first: sentence, clause, phrase, word."""


def split(phonemes: str, longest: int) -> list[str]:
    """Pieces of at most `longest` phonemes that hold every symbol of `phonemes` in order, but for spaces at the ends.

    A piece ends at the best kind of break that its second half has; only a word longer than `longest` is cut inside.
    """
    pieces: list[str] = []
    rest = phonemes.strip()
    while len(rest) > longest:
        end = _end(rest, longest)
        pieces.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*pieces, rest] if rest else pieces


def _end(text: str, longest: int) -> int:
    """Where the first piece of `text`, which is longer than `longest`, ends: 1 to `longest`."""
    for kind in _BREAKS:
        ends = [m.start() for m in kind.finditer(text, 1, longest + 1) if longest // 2 <= m.start() <= longest]
        if ends:
            return ends[-1]
    words = [m.start() for m in _BREAKS[-1].finditer(text, 1, longest + 1)]
    return words[-1] if words else longest
