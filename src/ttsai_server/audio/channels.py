"""A stereo recording with one speaker a channel → each speaker alone."""

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording

FRAMES_PER_SECOND = 50
NEAR = 15
"""Frames on either side by whose loudest a frame is judged: .3 s, so that no word is cut."""
FAINTER = 3.0
"""Times by which a channel must be fainter than the other to hold nothing but what its microphone has of the other's
voice: 10 dB, each next to how loud its own speaker is."""
UNLIKE = 10.0
"""Times by which one speaker may be fainter than the other: 20 dB. What is fainter still counts as no voice."""
LOUD_SHARE = 0.05
"""Share of its frames that are louder than what counts as a channel's level."""
BLOCK = 1024
"""Frames that are read at a time."""

Levels = NDArray[np.float32]
"""(frames, channels), root mean square."""


def speakers_apart(recording: Recording) -> list[Recording]:
    """Each channel as a recording of its own, as long, silent where it only has the other's voice; for who calls it to
    close. Blocking, off the event loop."""
    keep = _own(np.concatenate([_levels(block, recording.rate) for block in _blocks(recording)]))
    apart = [Recording(recording.rate) for _ in range(recording.channels)]
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
    """Whether each frame of each channel may hold its own speaker's voice."""
    usual = np.quantile(levels, 1 - LOUD_SHARE, axis=0)
    usual = np.maximum(usual, max(usual.max() / UNLIKE, 1e-9))
    nearby = sliding_window_view(np.pad(levels / usual, ((NEAR, NEAR), (0, 0))), 2 * NEAR + 1, axis=0).max(axis=-1)
    return nearby * FAINTER >= nearby.max(axis=1, keepdims=True)
