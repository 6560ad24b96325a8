"""Converts a recording of any length in stretches, for networks that take only so much at once."""

from collections.abc import Callable, Generator

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio
from ttsai_server.engines.base import Cancellation, Cancelled
from ttsai_server.engines.shared.silence import gain

Samples = NDArray[np.float32]
LONGEST, SEARCHED = 10, 2
"""Seconds of a stretch; of its end, where the quietest place is looked for."""
CONTEXT = 0.5
"""Seconds on either side of a stretch that are heard with it."""
FADE = 0.02
"""Seconds over which a stretch is faded into the next."""
_BLOCK = 0.02


def converted(recording: Recording, work: Callable[[Samples], Samples], cancellation: Cancellation) -> Generator[Audio]:
    """Apply `work`, float32 (n,) → (n,), to stretches of a mono recording that end where it is quiet.

    Yields sound of exactly the recording's length, silent where it is, in [-1, 1]. Raises Cancelled when cancelled.
    """
    around, fade = round(CONTEXT * recording.rate), round(FADE * recording.rate)
    start, tail = 0, np.zeros(0, np.float32)
    while start < recording.frames:
        if cancellation.cancelled:
            raise Cancelled
        end, begin = _end(recording, start), max(0, start - around)
        made = work(recording.read(begin, end + around - begin)[:, 0])[start - begin : end + fade - begin]
        share = (np.arange(len(tail), dtype=np.float32) + 0.5) / max(1, len(tail))
        made[: len(tail)] = tail + share * (made[: len(tail)] - tail)
        sound, tail = made[: end - start, None], made[end - start :]
        yield Audio(np.clip(sound * gain(recording, start, len(sound)), -1, 1), recording.rate, end == recording.frames)
        start = end


def _end(recording: Recording, start: int) -> int:
    """The end of the stretch that begins at `start`."""
    last, block = start + LONGEST * recording.rate, round(_BLOCK * recording.rate)
    if last >= recording.frames:
        return recording.frames
    first = last - SEARCHED * recording.rate
    samples = recording.read(first, last - first)[:, 0]
    levels = np.square(samples[: len(samples) // block * block]).reshape(-1, block).sum(1)
    return first + int(np.argmin(levels)) * block + block // 2
