"""Voice names as clients write them: one voice, or a weighted blend of several."""

import re
from math import isfinite

from ttsai_server.errors import BadRequest

MOST_PARTS = 8
"""Voices in one blend."""
_PART = re.compile(r"\s*([\w.:-]+)\s*(?:\(([^()]*)\))?\s*")


def parse_blend(text: str) -> tuple[tuple[str, float], ...]:
    """`af_bella(2)+af_sky` → (("af_bella", 2.0), ("af_sky", 1.0)); a voice alone is a blend of one.

    Raises BadRequest for a form that can't be read, more than 8 parts, or a weight that is not a finite number above 0.
    """
    parts = text.split("+", MOST_PARTS)
    if len(parts) > MOST_PARTS:
        raise BadRequest(f"A blend has at most {MOST_PARTS} voices.", param="voice")
    return tuple(_part(part) for part in parts)


def _part(text: str) -> tuple[str, float]:
    found = _PART.fullmatch(text)
    if not found:
        raise BadRequest(f"Not a voice or a blend such as 'af_bella(2)+af_sky(1)': {text[:80]!r}.", param="voice")
    voice, weight = found.groups()
    return voice, 1.0 if weight is None else _weight(voice, weight)


def _weight(voice: str, text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = 0.0
    if not (isfinite(weight) and weight > 0):
        raise BadRequest(f"The weight of {voice!r} must be a finite number above 0, not {text[:80]!r}.", param="voice")
    return weight
