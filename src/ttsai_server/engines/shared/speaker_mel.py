"""Mel spectrograms as used in the speaker encoder's training: those of librosa, with NumPy only.

Frames of 25 ms every 10 ms at 16 kHz, Hann window, power, 40 bands of Slaney's mel scale (Auditory Toolbox, 1998) of
unit area, no logarithm: `librosa.feature.melspectrogram(y, sr=16000, n_fft=400, hop_length=160, n_mels=40)`.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.mel import mel_filters

Array = NDArray[np.float32]
RATE = 16_000
"""Hertz."""
LENGTH, HOP, BANDS = 400, 160, 40
"""Samples per frame, samples from one frame to the next, bands."""


def mel(samples: Array) -> Array:
    """float32 (n,) at 16 kHz → float32 (1 + n // 160, 40): frames centred on every 160th sample, zero-padded."""
    padded = np.pad(samples, LENGTH // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, LENGTH)[::HOP]
    spectrum = np.fft.rfft(frames * _window())
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    return power @ _filters()


@cache
def _window() -> Array:
    return np.hanning(LENGTH + 1)[:-1].astype(np.float32)


@cache
def _filters() -> Array:
    """float32 (201, 40)."""
    return mel_filters(RATE, LENGTH, BANDS).T
