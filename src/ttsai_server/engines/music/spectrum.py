"""Spectra, and the part of them that lasts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def magnitudes(frames: Floats) -> Floats:
    """(frames, n) → (n / 2 + 1, frames), after a Hann window."""
    size = frames.shape[1]
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)
    return np.abs(np.fft.rfft(frames * window)).T


def harmonic(spectrum: Floats, frames: int, bins: int) -> Floats:
    """What lasts of magnitudes (bins, frames); what strikes is masked (Fitzgerald 2010).

    Medians over so many frames follow what lasts, medians over so many bins what strikes.
    """
    lasting, struck = median(spectrum, frames) ** 2, median(spectrum.T, bins).T ** 2
    return spectrum * lasting / np.maximum(lasting + struck, 1e-30)


def median(rows: Floats, width: int) -> Floats:
    """Running median along the last axis, mirrored at the ends; `width` is odd."""
    padded = np.pad(rows, ((0, 0), (width // 2, width // 2)), mode="symmetric")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, width, axis=1), axis=-1)
