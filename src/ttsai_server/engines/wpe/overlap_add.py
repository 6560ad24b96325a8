"""Processes a recording in overlapping stretches, which are cross-faded."""

from collections.abc import Callable, Generator

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio
from ttsai_server.engines.base import Cancellation, Cancelled

Samples = NDArray[np.float32]


def overlapped(
    recording: Recording, length: int, overlap: int, work: Callable[[Samples], Samples], cancellation: Cancellation
) -> Generator[Audio]:
    """Apply `work`, (n, channels) → (n, channels), to stretches of `length` frames; yields the whole result, clipped.

    Consecutive stretches overlap by at least `overlap` frames. The last one is as long as the others if the recording
    is long enough, so that the result is as good. Raises Cancelled when cancelled.
    """
    done, tail = 0, np.zeros((0, recording.channels), np.float32)
    for start in _starts(recording.frames, length, overlap):
        if cancellation.cancelled:
            raise Cancelled
        made = work(recording.read(start, length))[done - start :]
        made = np.concatenate([_faded(tail, made[: len(tail)]), made[len(tail) :]])
        ready = len(made) - (overlap if done + len(made) < recording.frames else 0)
        yield Audio(np.clip(made[:ready], -1, 1), recording.rate)
        done, tail = done + ready, made[ready:]


def _starts(frames: int, length: int, overlap: int) -> list[int]:
    last = max(0, frames - length)
    if not frames:
        return []
    return [*range(0, last, length - overlap), last]


def _faded(out: Samples, into: Samples) -> Samples:
    """Linear cross-fade: the two are correlated, so their weights sum to 1."""
    share = (np.arange(len(out)) + 0.5)[:, None] / max(1, len(out))
    return (out + share * (into - out)).astype(np.float32)
