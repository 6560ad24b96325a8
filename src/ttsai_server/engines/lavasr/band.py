"""How far up the sound of a recording goes."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording

Array = NDArray[np.float32]
LOWEST, HIGHEST = 2_000, 19_000
"""Hertz: where a band's end is looked for; one that ends above is whole."""
CLIFF = 20.0
"""Decibels that the sound falls by at its band's end, at least."""
SHOULDER, SLOPE = 1000, 300
"""Hertz: below the end, what is compared with all above it; and to either side, where the fall itself is."""
_LENGTH = 4096
_BLOCK = 1 << 17
"""Frames that are listened to at a time."""
_BLOCKS = 60
"""Most of them, evenly spread."""
_SOFTEST = 1e-11
"""Least power of a bin, of the loudest one's: what is below is no sound."""


def band_end(recording: Recording) -> float | None:
    """Hertz above which there is nothing but noise, as after a rise of the sample rate; None: it is not cut off.

    Where the mean spectrum falls most steeply, to a level that nothing above it exceeds.
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
    """(bins,), of all windows and channels together."""
    padded = np.pad(samples, ((0, -len(samples) % _LENGTH), (0, 0)))
    windows = padded.reshape(-1, _LENGTH, samples.shape[1]) * np.hanning(_LENGTH).astype(np.float32)[:, None]
    return np.sum(np.abs(np.fft.rfft(windows, axis=1)) ** 2, axis=(0, 2))
