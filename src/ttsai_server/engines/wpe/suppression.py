"""What prediction leaves of late reverberation, turned down where it is louder than speech.

Lebart, Boucher and Denbigh 2001, "A new method based on spectral subtraction for speech dereverberation"; Habets 2007.
A room dies away evenly: what it still says of the sound of 50 ms ago, its reverberation time tells.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.stft import Spectrum

Power = NDArray[np.float32]
_EDGES = (200, 400, 700, 1100, 1600, 2300, 3200, 4500, 6000, 8000)
"""Of the bands whose decay is measured, hertz: where speech is."""
_LAG = 0.064
"""Seconds over which a decay is measured."""
_FASTEST = 0.1
"""Share of the decays, the fastest ones, that are the room's, not the voice's."""
_BENT = (0.59, 1.55)
"""Reverberation time is (measured / the first) to the power of the second: fitted to simulated rooms of .3 to 1 s."""
_RANGE = (0.1, 1.2)
"""Seconds."""
_MEMORY = 0.75
"""Of the smoothed power, share of the frame before."""
_NOTHING = np.float32(1e-20)


def reverberation_time(spectrum: Spectrum, hertz: float, pace: float) -> float:
    """RT60, seconds, of the room that the sound was recorded in: no sound in it can die away faster.

    spectrum: (bins, channels, frames); hertz: from bin to bin; pace: frames a second.
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
    """(bins, frames) → gains, 0 to 1: what is left of each when `share` of the power of `delay` frames ago is late."""
    smooth = np.empty_like(power)
    level = power[:, 0]
    for frame in range(power.shape[1]):
        level = _MEMORY * level + (1 - _MEMORY) * power[:, frame]
        smooth[:, frame] = level
    late = np.zeros_like(smooth)
    late[:, delay:] = share * smooth[:, : -delay or None]
    return np.sqrt(np.maximum(1 - late / (smooth + _NOTHING), 0))


def _fall(level: Power, lag: int) -> float:
    """Decibels over the lag, below 0, where the band is loud."""
    before, after = level[:-lag], level[lag:]
    return float(np.quantile((after - before)[before >= np.median(before)], _FASTEST))
