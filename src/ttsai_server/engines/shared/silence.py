"""Keeps silence silent: networks that make voices answer it with faint noise."""

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording
from ttsai_server.errors import BadRequest

LOUD = 3e-4
"""Amplitude from which on a sample is sound: -70 dBFS, ten times that of 16-bit rounding."""
BLOCKS_PER_SECOND = 100
AROUND = 5
"""Blocks on either side of sound that are kept."""


def gain(recording: Recording, start: int, count: int) -> NDArray[np.float32]:
    """Gain of each of `count` frames from `start` on: 1 within 50 ms of sound, 0 in silence, with slopes of 10 ms.

    float32 (count, 1). The same wherever `start` is.
    """
    size = max(1, recording.rate // BLOCKS_PER_SECOND)
    first, last = start // size - AROUND - 1, (start + count) // size + AROUND + 2
    sounds = _sounds(recording, first, last, size)
    near = np.lib.stride_tricks.sliding_window_view(sounds, 2 * AROUND + 1).any(1)
    middles = (np.arange(first + AROUND, last - AROUND) + 0.5) * size
    return np.interp(start + np.arange(count) + 0.5, middles, near).astype(np.float32)[:, None]


def heard(recording: Recording, seconds: float) -> NDArray[np.float32]:
    """The recording's first channel, at most so many seconds: float32 (n,). Raises BadRequest if that is silent."""
    samples = recording.read(0, round(seconds * recording.rate))[:, 0]
    if is_silent(samples):
        raise BadRequest("There is no speech in the recording.")
    return samples


def is_silent(samples: NDArray[np.float32]) -> bool:
    """Whether there is no sound in it."""
    return not np.any(np.abs(samples) >= LOUD)


def _sounds(recording: Recording, first: int, last: int, size: int) -> NDArray[np.bool]:
    """Whether there is sound in each of the blocks from `first` to `last`; none outside the recording."""
    begin = max(0, first)
    samples = np.abs(recording.read(begin * size, (last - begin) * size)).max(1, initial=0) >= LOUD
    blocks = np.pad(samples, (0, (last - begin) * size - len(samples))).reshape(-1, size).any(1)
    return np.pad(blocks, (begin - first, 0))
