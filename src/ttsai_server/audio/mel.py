"""Slaney's mel scale (Auditory Toolbox, 1998), as in librosa, with NumPy only."""

import numpy as np
from numpy.typing import NDArray

_LINEAR_HERTZ = 200 / 3
"""Hertz per mel below the corner frequency."""
_CORNER_HERTZ = 1000.0
_LOG_STEP = np.log(6.4) / 27
"""Natural logarithm of the frequency ratio per mel above the corner."""


def mel_filters(rate: int, size: int, bands: int) -> NDArray[np.float32]:
    """Mel filter bank, (bands, size // 2 + 1): triangles of unit area from 0 Hz to rate / 2.

    The same as `librosa.filters.mel(sr=rate, n_fft=size, n_mels=bands)`. rate: Hertz, over 2 kHz. size: FFT length.
    """
    corner = _CORNER_HERTZ / _LINEAR_HERTZ
    mels = np.linspace(0, corner + np.log(rate / 2 / _CORNER_HERTZ) / _LOG_STEP, bands + 2)[:, None]
    edges = np.where(mels < corner, _LINEAR_HERTZ * mels, _CORNER_HERTZ * np.exp(_LOG_STEP * (mels - corner)))
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    hertz = np.fft.rfftfreq(size, 1 / rate)
    triangles = np.minimum((hertz - low) / (centre - low), (high - hertz) / (high - centre))
    return (np.maximum(triangles, 0) * 2 / (high - low)).astype(np.float32)
