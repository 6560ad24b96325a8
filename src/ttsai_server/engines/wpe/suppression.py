"""Suppresses the late reverberation that prediction leaves, by spectral subtraction.

Lebart, Boucher and Denbigh 2001, "A new method based on spectral subtraction for speech dereverberation"; Habets 2007.
Reverberation decays exponentially, so its power now follows from the power 50 ms ago and the reverberation time.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.stft import Spectrum

Power = NDArray[np.float32]
_EDGES = (200, 400, 700, 1100, 1600, 2300, 3200, 4500, 6000, 8000)
"""Edges of the bands in which decays are measured, Hertz: the range of speech."""
_LAG = 0.064
"""Seconds over which a decay is measured."""
_FASTEST = 0.1
"""Quantile of the decays that is taken for the room's: slower ones are the voice's."""
_BENT = (0.59, 1.55)
"""Reverberation time = (measured / first) ** second, fitted to simulated rooms of .3 to 1 s."""
_RANGE = (0.1, 1.2)
"""Bounds of the reverberation time, seconds."""
_MEMORY = 0.75
"""Weight of the previous frame in the smoothed power."""
_NOTHING = np.float32(1e-20)


def reverberation_time(spectrum: Spectrum, hertz: float, pace: float) -> float:
    """Estimate the room's RT60, seconds, from the fastest decays: no sound can decay faster than the room.

    spectrum: (bins, channels, frames). hertz: from bin to bin. pace: frames per second.
    """
    power = np.mean(spectrum.real**2 + spectrum.imag**2, axis=1)
    edges = np.round(np.array(_EDGES) / hertz).astype(int)
    bands = np.stack([power[low:high].sum(axis=0) for low, high in pairwise(edges)])
    lag = round(_LAG * pace)
    if bands.shape[1] <= 2 * lag:
        return _RANGE[0]
    level = 10 * np.log10(bands[:, :-2] + bands[:, 1:-1] + bands[:, 2:] + _NOTHING)
    falls = [_fall(band, lag) for band in level]
    measured = 60 * _LAG / max(-float(np.median(falls)), 1e-3)
    return float(np.clip((measured / _BENT[0]) ** _BENT[1], *_RANGE))


def late_gain(power: Power, share: float, delay: int) -> Power:
    """(bins, frames) → gains, 0 to 1, that subtract `share` of the power `delay` frames ago as late reverberation."""
    smooth = np.empty_like(power)
    level = power[:, 0]
    for frame in range(power.shape[1]):
        level = _MEMORY * level + (1 - _MEMORY) * power[:, frame]
        smooth[:, frame] = level
    late = np.zeros_like(smooth)
    late[:, delay:] = share * smooth[:, : -delay or None]
    return np.sqrt(np.maximum(1 - late / (smooth + _NOTHING), 0))


def _fall(level: Power, lag: int) -> float:
    """Fastest decay of a band where it is loud, dB over the lag, negative."""
    before, after = level[:-lag], level[lag:]
    return float(np.quantile((after - before)[before >= np.median(before)], _FASTEST))
