"""The pitch of a voice, frame by frame: McLeod & Wyvill 2005, "A smarter way to find pitch".

The normalised square difference function of a frame has a peak at each multiple of its period; the first that is nearly
as high as the highest is the period. Its height, at most 1, says how periodic the frame is.
"""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
HOP = 0.01
"""Seconds from one frame to the next."""
LOWEST, HIGHEST = 65.0, 500.0
"""Range of a voice's pitch, Hz."""
_WINDOW = 2.5 / LOWEST
"""Seconds per frame: two periods of the lowest pitch, and room to compare them."""
_NEARLY = 0.9
"""Least height of a frame's period, relative to its highest peak: a lower share prefers a higher pitch."""
_PERIODIC = 0.6
"""Least height of a period: a frame with lower peaks is noise, or no speech."""
_SILENT = 10 ** (-45 / 20)
"""A frame is silence if its RMS is below this fraction of the loudest frame's (-45 dB)."""
_BATCH = 1000
"""Frames analysed at a time: 10 s."""


def track(samples: Samples, rate: int) -> NDArray[np.float64]:
    """The pitch of float32 (n,) at `rate` Hertz, in Hz, (1 + n // hop,), 0 where none is heard.

    Frame i is centred on i * HOP seconds. A lone frame that has a pitch, or has another than its neighbours, is
    corrected by a median over 5 frames.
    """
    window, hop = round(_WINDOW * rate), round(HOP * rate)
    padded = np.pad(samples.astype(np.float64), (window // 2, window))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop][: 1 + len(samples) // hop]
    level = np.sqrt(np.mean(frames**2, axis=1))
    pitch = np.concatenate([_pitch(frames[at : at + _BATCH], rate) for at in range(0, len(frames), _BATCH)])
    pitch[level <= _SILENT * level.max(initial=0)] = 0
    around = np.lib.stride_tricks.sliding_window_view(np.pad(pitch, 2), 5)
    return np.median(around, axis=1)


def mean_pitch(pitch: NDArray[np.float64]) -> float:
    """The geometric mean of a track where there is pitch, Hz; 0 if there is none."""
    heard = pitch[pitch > 0]
    return float(np.exp(np.mean(np.log(heard)))) if len(heard) else 0.0


def _pitch(frames: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """(frames, window) → Hz, 0 where the frame is not periodic."""
    least, most = int(rate / HIGHEST), int(np.ceil(rate / LOWEST))
    heights = _similarity(frames, most + 1)
    inner = heights[:, 1:-1]
    peaks = (inner > heights[:, :-2]) & (inner >= heights[:, 2:]) & (np.arange(1, most + 1) >= least)
    highest = np.max(np.where(peaks, inner, 0), axis=1)
    first = 1 + np.argmax(peaks & (inner >= _NEARLY * highest[:, None]), axis=1)
    before, at, after = (heights[np.arange(len(frames)), first + step] for step in (-1, 0, 1))
    bend = before - 2 * at + after
    top = first + np.where(bend < 0, (before - after) / (2 * np.minimum(bend, -1e-12)), 0)
    return np.where(highest > _PERIODIC, rate / top, 0)


def _similarity(frames: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """The normalised square difference function of each frame, -1 to 1, for lags of 0 to `most` samples."""
    size = frames.shape[1]
    spectrum = np.fft.rfft(frames, 2 * size)
    products = np.fft.irfft(np.abs(spectrum) ** 2)[:, : most + 1]
    power = np.pad(np.cumsum(frames**2, axis=1), ((0, 0), (1, 0)))
    lags = np.arange(most + 1)
    both = power[:, size - lags] + power[:, -1:] - power[:, lags]
    return 2 * products / np.maximum(both, 1e-12)
