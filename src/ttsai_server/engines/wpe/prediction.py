"""Removes late reverberation by weighted prediction error (WPE): predicts it from the preceding sound.

Nakatani et al. 2010, "Speech dereverberation based on variance-normalized delayed linear prediction"; for several
channels Yoshioka and Nakatani 2012, "Generalization of multi-channel linear prediction methods for blind MIMO impulse
response shortening". In a frequency bin, speech can't be predicted from the sound of 50 ms ago, but its reverberation
can: by the linear filter with the least squared error, where each frame is weighted by the inverse of its power.
"""

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.stft import Spectrum

Power = NDArray[np.float32]
ITERATIONS = 3
"""The power of speech is estimated from the reverberant sound first, then from the previous iteration's result."""
LOADING = 1e-2
"""Diagonal loading, as a share of the mean energy per tap: keeps the filter small if there is little data."""
_TOGETHER = 16
"""Bins processed at a time, to fit into a CPU cache."""
_VALUES, _PRODUCTS = 2000, 1 << 15
"""Most values of a matrix, and most products per multiplication: for more, the BLAS starts threads, which spin."""
_QUIETEST = 1e-10
"""Lower bound of a frame's power, as a share of the loudest frame's."""
_NOTHING = 1e-20


def without_prediction(spectrum: Spectrum, taps: int, delay: int) -> Spectrum:
    """Subtract from complex64 (bins, channels, frames) what is predicted from `taps` frames, `delay` frames earlier."""
    speech = np.empty_like(spectrum)
    for first in range(0, len(spectrum), _TOGETHER):
        bins = slice(first, first + _TOGETHER)
        speech[bins] = _without(spectrum[bins], taps, delay)
    return speech


def _without(heard: Spectrum, taps: int, delay: int) -> Spectrum:
    past = _past(heard, taps, delay)
    speech, weighted = heard, np.empty_like(past)
    for _ in range(ITERATIONS):
        np.multiply(past, (1 / _power(speech))[:, None], out=weighted)
        filters = np.linalg.solve(_loaded(_correlation(weighted, past)), _correlation(weighted, heard))
        speech = heard - _filtered(past, np.conj(filters.transpose(0, 2, 1)))
    return speech


def _correlation(past: Spectrum, other: Spectrum) -> Spectrum:
    """(bins, k, frames), (bins, l, frames) → (bins, k, l): the sum over the frames, with `other` conjugated."""
    whole = np.zeros((len(past), past.shape[1], other.shape[1]), past.dtype)
    for frames in _pieces(past):
        whole += past[:, :, frames] @ np.conj(other[:, :, frames]).transpose(0, 2, 1)
    return whole


def _filtered(past: Spectrum, filters: Spectrum) -> Spectrum:
    """(bins, k, frames), (bins, channels, k) → (bins, channels, frames)."""
    predicted = np.empty((len(past), filters.shape[1], past.shape[2]), past.dtype)
    for frames in _pieces(past):
        np.matmul(filters, past[:, :, frames], out=predicted[:, :, frames])
    return predicted


def _pieces(past: Spectrum) -> list[slice]:
    """Slices of frames that are multiplied at a time."""
    size = past.shape[1]
    count = max(1, min(_VALUES // size, _PRODUCTS // size**2))
    return [slice(first, first + count) for first in range(0, past.shape[2], count)]


def _past(heard: Spectrum, taps: int, delay: int) -> Spectrum:
    """(bins, taps · channels, frames): the frames `delay`, `delay` + 1, … frames earlier."""
    bins, channels, frames = heard.shape
    padded = np.pad(heard, ((0, 0), (0, 0), (delay + taps - 1, 0)))
    past = [padded[:, :, taps - 1 - tap : taps - 1 - tap + frames] for tap in range(taps)]
    return np.stack(past, axis=1).reshape(bins, taps * channels, frames)


def _power(speech: Spectrum) -> Power:
    """(bins, frames): mean over the channels, bounded below."""
    power = np.mean(speech.real**2 + speech.imag**2, axis=1)
    return np.maximum(power, _QUIETEST * np.max(power, axis=1, keepdims=True) + _NOTHING)


def _loaded(correlation: Spectrum) -> Spectrum:
    """Add diagonal loading to (bins, k, k), so that it can be inverted even for silence."""
    size = correlation.shape[1]
    mean = np.trace(correlation, axis1=1, axis2=2).real / size
    return correlation + (LOADING * mean + _NOTHING)[:, None, None] * np.eye(size, dtype=np.float32)
