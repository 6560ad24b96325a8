"""Spectra: magnitudes, mel bands, and the part of them that lasts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

LINEAR, KNEE, STEP = 200 / 3, 1000.0, np.log(6.4) / 27
"""Slaney's mel scale (Auditory Toolbox, 1998): hertz a mel up to the knee; above it, a mel is a step of a logarithm."""


def magnitudes(frames: Floats) -> Floats:
    """(frames, n) → (n / 2 + 1, frames), after a Hann window."""
    size = frames.shape[1]
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)
    return np.abs(np.fft.rfft(frames * window)).T


def harmonic(spectrum: Floats, frames: int, bins: int) -> Floats:
    """What lasts of magnitudes (bins, frames), the rest masked: median filters along time and along frequency tell
    which is which (Fitzgerald 2010)."""
    lasting, struck = median(spectrum, frames) ** 2, median(spectrum.T, bins).T ** 2
    return spectrum * lasting / np.maximum(lasting + struck, 1e-30)


def median(rows: Floats, width: int) -> Floats:
    """Running median along the last axis, mirrored at the ends; `width` is odd."""
    padded = np.pad(rows, ((0, 0), (width // 2, width // 2)), mode="symmetric")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, width, axis=1), axis=-1)


def mel_filters(rate: int, size: int, count: int) -> Floats:
    """float32 (count, size / 2 + 1): triangles of equal area, evenly spaced in mel from 0 Hz to half the rate."""
    edges = _hertz(np.linspace(0, _mel(rate / 2), count + 2))[:, None]
    bins = np.arange(size // 2 + 1) * rate / size
    widths = np.diff(edges, axis=0)
    rising, falling = (bins - edges[:-2]) / widths[:-1], (edges[2:] - bins) / widths[1:]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * 2 / (edges[2:] - edges[:-2])).astype(np.float32)


def _mel(hertz: float) -> float:
    return hertz / LINEAR if hertz < KNEE else KNEE / LINEAR + float(np.log(hertz / KNEE)) / STEP


def _hertz(mels: Floats) -> Floats:
    knee = KNEE / LINEAR
    return np.where(mels < knee, mels * LINEAR, KNEE * np.exp(STEP * (np.maximum(mels, knee) - knee)))
