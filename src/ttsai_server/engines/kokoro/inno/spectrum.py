"""The features of a speaker's timbre: the mel spectrum that the encoder knows, and the spectral tilt."""

import numpy as np
from numpy.typing import NDArray

from ttsai_server.engines.kokoro.inno.checkpoint import BANDS

Array = NDArray[np.float32]
MEL_RATE, TILT_RATE = 16_000, 24_000
"""Sample rates of the sound that `mel` and `tilt` are measured of."""
_LENGTH, _HOP, _SIZE = 400, 160, 512
_LOWEST = 20.0
_EMPHASIS = 0.97
_TILT_LENGTH, _TILT_HOP = 1024, 256
_TILT_BAND = (300.0, 4000.0)
"""Hz."""


def mel(samples: Array) -> Array:
    """Logarithmic mel spectrum of float (n,) samples at MEL_RATE, less its mean over time: float32 (frames, 80).

    As Kaldi's `compute-fbank-feats`, without dither, on the scale of 16-bit samples.
    """
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64) * 32_768, _LENGTH)[::_HOP]
    frames = frames - frames.mean(axis=1, keepdims=True)
    frames = frames - _EMPHASIS * np.hstack([frames[:, :1], frames[:, :-1]])
    power = np.abs(np.fft.rfft(frames * np.hamming(_LENGTH), _SIZE)) ** 2
    bands = np.log(np.maximum(power @ _filters(), np.finfo(np.float32).eps))
    return (bands - bands.mean(axis=0)).astype(np.float32)


def tilt(samples: Array) -> float:
    """Slope of the mean power spectrum of (n,) samples at TILT_RATE, dB per octave: the higher, the brighter."""
    padded = np.pad(samples.astype(np.float64), _TILT_LENGTH // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _TILT_LENGTH)[::_TILT_HOP]
    window = np.hanning(_TILT_LENGTH + 1)[:-1]
    power = np.mean(np.abs(np.fft.rfft(frames * window)) ** 2, axis=0)
    hertz = np.fft.rfftfreq(_TILT_LENGTH, 1 / TILT_RATE)
    band = (hertz > _TILT_BAND[0]) & (hertz < _TILT_BAND[1])
    slope, _ = np.polyfit(np.log2(hertz[band]), 10 * np.log10(power[band] + 1e-12), 1)
    return float(slope)


def _filters() -> NDArray[np.float64]:
    """(bins, 80): triangles, equally wide on the mel scale."""
    edges = np.linspace(_mels(_LOWEST), _mels(MEL_RATE / 2), BANDS + 2)
    bins = _mels(np.fft.rfftfreq(_SIZE, 1 / MEL_RATE))[:, None]
    low, peak, high = edges[:-2], edges[1:-1], edges[2:]
    return np.maximum(0, np.minimum((bins - low) / (peak - low), (high - bins) / (high - peak)))


def _mels(hertz: NDArray[np.floating] | float) -> NDArray[np.float64]:
    return 1127 * np.log1p(np.asarray(hertz, np.float64) / 700)
