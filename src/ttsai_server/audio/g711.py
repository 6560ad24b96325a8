"""G.711: telephone sound, 8 kHz, one byte a sample, by µ-law or A-law (ITU-T Recommendation G.711, 1988)."""

from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Law = Literal["mu", "a"]
RATE = 8000
"""Sample rate, Hz."""
BIAS = 132
"""Of µ-law, added to a 16-bit magnitude before its logarithm is taken."""


def decode(data: bytes, law: Law) -> NDArray[np.int16]:
    """The samples, 16 bits, of coded ones."""
    return _levels(law)[np.frombuffer(data, np.uint8)]


def encode(samples: NDArray[np.int16], law: Law) -> bytes:
    """Coded samples: each the nearest level that the law has, of two equally near ones the greater."""
    order, middles = _borders(law)
    return order[np.searchsorted(middles, samples, side="right")].tobytes()


@cache
def _levels(law: Law) -> NDArray[np.int16]:
    """Code → its level."""
    codes = np.arange(256)
    if law == "mu":
        codes = codes ^ 0xFF
        exponent, mantissa = codes >> 4 & 7, codes & 15
        magnitude = ((mantissa << 3) + BIAS << exponent) - BIAS
        return np.where(codes & 0x80, -magnitude, magnitude).astype(np.int16)
    codes = codes ^ 0x55
    exponent, mantissa = codes >> 4 & 7, codes & 15
    magnitude = np.where(exponent, (mantissa << 4) + 0x108 << np.maximum(exponent - 1, 0), (mantissa << 4) + 8)
    return np.where(codes & 0x80, magnitude, -magnitude).astype(np.int16)


@cache
def _borders(law: Law) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The codes by rising level, and the middles between neighbours."""
    levels = _levels(law).astype(np.float64)
    order = np.argsort(levels, kind="stable").astype(np.uint8)
    rising = levels[order]
    return order, (rising[1:] + rising[:-1]) / 2
