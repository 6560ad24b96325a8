"""Splits a stereo recording with one speaker per channel, and mutes each channel while only the other speaks."""

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording

FRAMES_PER_SECOND = 50
NEAR = 15
"""A frame's level is the maximum over this many frames on either side (.3 s), so that no word is cut off."""
FAINTER = 3.0
"""A channel this many times fainter than the other (10 dB), each relative to its own speaker's level, holds only
crosstalk: the other's voice in its microphone."""
UNLIKE = 10.0
"""One speaker may be this many times fainter than the other (20 dB); anything fainter does not count as a voice."""
LOUD_SHARE = 0.05
"""A channel's level is the one that this share of its frames exceeds."""
BLOCK = 1024
"""Frames (of 1 / FRAMES_PER_SECOND) that are read at a time."""

Levels = NDArray[np.float32]
"""(frames, channels), root mean square."""


def isolate_speakers(recording: Recording) -> list[Recording]:
    """Each channel as a mono recording of the same length, silent where it holds only the other speaker's voice.

    The caller has to close the recordings. Blocking.
    """
    keep = _own(np.concatenate([_levels(block, recording.rate) for block in _blocks(recording)]))
    apart = [Recording(recording.rate, disk=recording.disk) for _ in range(recording.channels)]
    size = recording.rate // FRAMES_PER_SECOND
    for number, block in enumerate(_blocks(recording)):
        shown = np.repeat(keep[number * BLOCK : (number + 1) * BLOCK], size, axis=0)[: len(block)]
        for channel, alone in enumerate(apart):
            alone.append((block * shown)[:, channel : channel + 1])
    return apart


def _blocks(recording: Recording) -> Iterator[NDArray[np.float32]]:
    size = BLOCK * (recording.rate // FRAMES_PER_SECOND)
    for start in range(0, recording.frames, size):
        yield recording.read(start, size)


def _levels(block: NDArray[np.float32], rate: int) -> Levels:
    size = rate // FRAMES_PER_SECOND
    frames = np.pad(block, ((0, -len(block) % size), (0, 0))).reshape(-1, size, block.shape[1])
    return np.sqrt(np.mean(np.square(frames), axis=1))


def _own(levels: Levels) -> NDArray[np.bool_]:
    """Bool (frames, channels): whether the channel's own speaker may be speaking."""
    usual = np.quantile(levels, 1 - LOUD_SHARE, axis=0)
    usual = np.maximum(usual, max(usual.max() / UNLIKE, 1e-9))
    nearby = sliding_window_view(np.pad(levels / usual, ((NEAR, NEAR), (0, 0))), 2 * NEAR + 1, axis=0).max(axis=-1)
    return nearby * FAINTER >= nearby.max(axis=1, keepdims=True)
