"""What is measured of a speaker: the pitch and its range, and how the spectra of speech are distributed.

Spectra are mel cepstra without their first coefficient, the level: a smooth outline that differs by sound and by
speaker. Voiced and voiceless sounds have a distribution each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.mel import mel_filters
from ttsai_server.engines.world.vocoder import FLOOR, Parts

Array = NDArray[np.float64]
BANDS, ORDER = 60, 29
"""Mel bands of a spectrum, and the cepstral coefficients that are kept of them."""
FEWEST = 100
"""Voiced frames that a profile needs (half a second), and frames that a distribution is estimated from."""
SOFTEST = 5.8
"""Nepers of power (25 dB) below the median of the voiced frames: what is softer is a pause."""
RIDGE = 0.05
"""Share of its variance that is added to each coefficient's, so that a short recording gives no extreme map."""


@dataclass(frozen=True, slots=True)
class Profile:
    pitch: float
    """Mean of the logarithm of the pitch in Hz."""
    spread: float
    """Its standard deviation."""
    means: Array
    """(2, ORDER): mean cepstrum of voiceless and of voiced frames."""
    covariances: Array
    """(2, ORDER, ORDER): theirs, with RIDGE."""

    @classmethod
    def of(cls, logs: Array, heard: Sequence[Spectra]) -> Profile | None:
        """The profile of one speaker; None if too little is voiced. logs: natural logarithms of the voiced pitch."""
        spectra = Spectra.joined(heard)
        if len(logs) < FEWEST or np.sum(spectra.voiced) < FEWEST:
            return None
        kinds = [spectra.cepstra[spectra.voiced == voiced] for voiced in (False, True)]
        enough = [kind if len(kind) >= FEWEST else spectra.cepstra for kind in kinds]
        covariances = [np.cov(kind, rowvar=False) for kind in enough]
        ridged = [covariance + RIDGE * np.diag(np.diag(covariance)) for covariance in covariances]
        return cls(
            float(np.mean(logs)), float(np.std(logs)), np.stack([k.mean(axis=0) for k in enough]), np.stack(ridged)
        )

    @classmethod
    def stored(cls, arrays: Mapping[str, NDArray[Any]]) -> Profile:
        """The profile in a reference's arrays."""
        pitch, spread = (float(arrays[name]) for name in ("pitch", "spread"))
        return cls(pitch, spread, *(arrays[name].astype(np.float64) for name in ("means", "covariances")))

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {name: np.asarray(value, np.float32) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Spectra:
    """The frames of a stretch of speech that are no pause."""

    cepstra: Array
    """(frames, ORDER)."""
    voiced: NDArray[np.bool_]
    """(frames,)."""

    @classmethod
    def of(cls, parts: Parts, rate: int) -> Spectra:
        level = parts.loudness
        lowest = np.median(level[parts.voiced]) - SOFTEST if parts.voiced.any() else np.inf
        loud = level > lowest
        return cls(cepstra(parts.envelope[loud], rate), parts.voiced[loud])

    @classmethod
    def joined(cls, parts: Sequence[Spectra]) -> Spectra:
        nothing = cls(np.zeros((0, ORDER)), np.zeros(0, np.bool_))
        every = [nothing, *parts]
        return cls(np.concatenate([p.cepstra for p in every]), np.concatenate([p.voiced for p in every]))


def cepstra(envelope: Array, rate: int) -> Array:
    """(frames, bins), natural logarithms of power up to rate / 2 → (frames, ORDER)."""
    filters, _ = _filters(rate, 2 * (envelope.shape[1] - 1))
    return np.log(np.exp(envelope) @ filters.T + FLOOR) @ _cosines().T


def outline(coefficients: Array, rate: int, bins: int) -> Array:
    """The inverse: (frames, ORDER) → (frames, bins), natural logarithms of power without a level."""
    _, between = _filters(rate, 2 * (bins - 1))
    return coefficients @ _cosines() @ between


@cache
def _cosines() -> Array:
    """(ORDER, BANDS): rows 1 to ORDER of the orthonormal cosine transform (DCT-II)."""
    row = np.arange(1, ORDER + 1)[:, None]
    return np.sqrt(2 / BANDS) * np.cos(np.pi * row * (np.arange(BANDS) + 0.5) / BANDS)


@cache
def _filters(rate: int, size: int) -> tuple[Array, Array]:
    """(BANDS, bins): means over the bands; and (BANDS, bins): linear interpolation between their centres."""
    filters = mel_filters(rate, size, BANDS).astype(np.float64)
    filters /= filters.sum(axis=1, keepdims=True)
    bins = np.arange(size // 2 + 1)
    centres = filters @ bins
    return filters, np.stack([np.interp(bins, centres, one) for one in np.eye(BANDS)])
