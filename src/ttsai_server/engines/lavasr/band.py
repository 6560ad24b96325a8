"""Finds the upper end of a recording's frequency band."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording

Array = NDArray[np.float32]
LOWEST, HIGHEST = 2_000, 19_000
"""Range in which a band's end is searched, Hertz; a band that ends above is complete."""
CLIFF = 20.0
"""Least drop of the level at a band's end, dB."""
SHOULDER, SLOPE = 1000, 300
"""Hertz: width of the range below the end whose level is compared with everything above; half width of the slope."""
_LENGTH = 4096
_BLOCK = 1 << 17
"""Frames analysed at a time."""
_BLOCKS = 60
"""Most blocks analysed, evenly spread over the recording."""
_SOFTEST = 1e-11
"""Lower bound of a bin's power, as a share of the loudest bin's."""


def band_end(recording: Recording) -> float | None:
    """Hertz above which there is only noise, as in an upsampled recording; None if the band is not cut off.

    It is where the mean spectrum drops most steeply, to a level that nothing above exceeds.
    """
    total = sum(_power(block) for block in _blocks(recording))
    if np.max(total, initial=0) <= 0:
        return None
    level = 10 * np.log10(np.maximum(total / np.max(total), _SOFTEST))
    hertz = recording.rate / _LENGTH
    width, slope = round(SHOULDER / hertz), round(SLOPE / hertz)
    ends = np.arange(round(LOWEST / hertz), min(round(HIGHEST / hertz), len(level) - 2 * slope))
    above = np.maximum.accumulate(level[::-1])[::-1]
    falls = np.array([np.mean(level[end - slope - width : end - slope]) - above[end + slope] for end in ends])
    steepest = int(np.argmax(falls))
    return float((ends[steepest] - slope) * hertz) if falls[steepest] >= CLIFF else None


def _blocks(recording: Recording) -> Iterator[Array]:
    last = max(0, recording.frames - _BLOCK)
    for start in np.linspace(0, last, min(_BLOCKS, 1 + -(-last // _BLOCK))).astype(int):
        yield recording.read(int(start), _BLOCK)


def _power(samples: Array) -> Array:
    """Power spectrum, (bins,), summed over all windows and channels."""
    padded = np.pad(samples, ((0, -len(samples) % _LENGTH), (0, 0)))
    windows = padded.reshape(-1, _LENGTH, samples.shape[1]) * np.hanning(_LENGTH).astype(np.float32)[:, None]
    return np.sum(np.abs(np.fft.rfft(windows, axis=1)) ** 2, axis=(0, 2))
