"""Late reverberation, predicted from what was heard before it, by weighted prediction error.

Nakatani et al. 2010, "Speech dereverberation based on variance-normalized delayed linear prediction"; for several
channels Yoshioka and Nakatani 2012, "Generalization of multi-channel linear prediction methods for blind MIMO impulse
response shortening". In each frequency bin, what speech says now can't be told from what it said 50 ms ago, but what
the room still says of that can: the filter that predicts best, where each frame counts the less the louder it is.
"""

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.stft import Spectrum

Power = NDArray[np.float32]
ITERATIONS = 3
"""The power of speech is first taken from the reverberant sound, then from what has been made of it."""
LOADING = 1e-2
"""Share of the mean energy that is added to each tap's: with little to learn from, the filter stays small."""
_TOGETHER = 16
"""Bins that are worked on at a time: what they need fits a processor's cache."""
_VALUES, _PRODUCTS = 2000, 1 << 15
"""Of a matrix that is multiplied, and in its multiplication: for more, the library starts threads, which spin."""
_QUIETEST = 1e-10
"""Least power of a frame, of the loudest frame's."""
_NOTHING = 1e-20


def without_prediction(spectrum: Spectrum, taps: int, delay: int) -> Spectrum:
    """complex64 (bins, channels, frames) → the same, without what `taps` frames predict that are `delay` frames old."""
    made = np.empty_like(spectrum)
    for first in range(0, len(spectrum), _TOGETHER):
        bins = slice(first, first + _TOGETHER)
        made[bins] = _without(spectrum[bins], taps, delay)
    return made


def _without(heard: Spectrum, taps: int, delay: int) -> Spectrum:
    past = _past(heard, taps, delay)
    speech, weighted = heard, np.empty_like(past)
    for _ in range(ITERATIONS):
        np.multiply(past, (1 / _power(speech))[:, None], out=weighted)
        filters = np.linalg.solve(_loaded(_correlation(weighted, past)), _correlation(weighted, heard))
        speech = heard - _filtered(past, np.conj(filters.transpose(0, 2, 1)))
    return speech


def _correlation(past: Spectrum, other: Spectrum) -> Spectrum:
    """(bins, k, frames), (bins, l, frames) → (bins, k, l): the sum over the frames, `other` conjugate."""
    whole = np.zeros((len(past), past.shape[1], other.shape[1]), past.dtype)
    for frames in _pieces(past):
        whole += past[:, :, frames] @ np.conj(other[:, :, frames]).transpose(0, 2, 1)
    return whole


def _filtered(past: Spectrum, filters: Spectrum) -> Spectrum:
    """(bins, k, frames), (bins, channels, k) → (bins, channels, frames)."""
    made = np.empty((len(past), filters.shape[1], past.shape[2]), past.dtype)
    for frames in _pieces(past):
        np.matmul(filters, past[:, :, frames], out=made[:, :, frames])
    return made


def _pieces(past: Spectrum) -> list[slice]:
    """Frames that are multiplied at a time."""
    size = past.shape[1]
    count = max(1, min(_VALUES // size, _PRODUCTS // size**2))
    return [slice(first, first + count) for first in range(0, past.shape[2], count)]


def _past(heard: Spectrum, taps: int, delay: int) -> Spectrum:
    """(bins, taps · channels, frames): what was heard `delay` frames ago, `delay` + 1, …"""
    bins, channels, frames = heard.shape
    padded = np.pad(heard, ((0, 0), (0, 0), (delay + taps - 1, 0)))
    past = [padded[:, :, taps - 1 - tap : taps - 1 - tap + frames] for tap in range(taps)]
    return np.stack(past, axis=1).reshape(bins, taps * channels, frames)


def _power(speech: Spectrum) -> Power:
    """(bins, frames), of all channels together."""
    power = np.mean(speech.real**2 + speech.imag**2, axis=1)
    return np.maximum(power, _QUIETEST * np.max(power, axis=1, keepdims=True) + _NOTHING)


def _loaded(correlation: Spectrum) -> Spectrum:
    """(bins, k, k) that can be solved, whatever the bin holds."""
    size = correlation.shape[1]
    mean = np.trace(correlation, axis1=1, axis2=2).real / size
    return correlation + (LOADING * mean + _NOTHING)[:, None, None] * np.eye(size, dtype=np.float32)
