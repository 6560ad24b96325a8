"""Which parts of a recording a model hears next: speech, in chunks that it can take, read a window at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording

RATE = 16_000
"""Hertz that Whisper hears."""
CHUNK = 30 * RATE
"""Samples that Whisper takes at a time."""
REACH = 3 * CHUNK // 2
"""Samples read for each chunk: with pauses left out, it is mostly full."""
EDGE = RATE
"""Speech that ends closer to a window's end than this many samples may go on in the next one."""

Sound = NDArray[np.float32]
"""Shape (n,), at RATE."""
Stretch = tuple[int, int]
"""First and last sample, exclusive, of a stretch of speech."""
Detector = Callable[[Sound], Sequence[Stretch]]
"""Finds the speech in a sound: stretches in order, none longer than CHUNK."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Stretches of speech, heard as one sound without the silence between them."""

    stretches: tuple[Stretch, ...]
    """In samples of the recording."""
    sound: Sound

    def again(self, start: float, end: float) -> tuple[tuple[Chunk, ...], float, float]:
        """What to hear again of the chunk for its seconds `start` to `end`: smaller chunks, and the seconds they hold.

        The stretches around those seconds; the whole in two halves if that is all; nothing if it is one stretch.
        """
        edges = np.cumsum([0, *(last - first for first, last in self.stretches)])
        # seconds become samples again with an error, which may lie past the last edge
        first = min(max(int(np.searchsorted(edges, start * RATE, "right")) - 1, 0), len(self.stretches) - 1)
        # a moment between two stretches is the first one of the second
        stop = min(max(int(np.searchsorted(edges, end * RATE, "left")), first + 1), len(self.stretches))
        cuts = [first, stop]
        if len(self.stretches) == 1:
            return (), 0, 0
        if (first, stop) == (0, len(self.stretches)):
            cuts = [0, int(np.argmin(np.abs(edges[1:-1] - edges[-1] / 2))) + 1, stop]
        parts = tuple(Chunk(self.stretches[a:b], self.sound[edges[a] : edges[b]]) for a, b in pairwise(cuts))
        return parts, edges[cuts[0]] / RATE, edges[cuts[-1]] / RATE

    def time(self, seconds: float, within: float) -> float:
        """Seconds of the recording at so many seconds of the chunk, in the stretch that has the moment `within`."""
        passed = 0
        start, end = self.stretches[0]
        for start, end in self.stretches:
            if within * RATE < passed + end - start:
                break
            passed += end - start
        else:
            passed -= end - start
        return min(max(start + seconds * RATE - passed, start), end) / RATE


@dataclass(frozen=True, slots=True)
class Window:
    chunks: tuple[Chunk, ...]
    end: int
    """Where the next window begins, in samples of the recording."""


def read_window(recording: Recording, start: int, chunks: int, detect: Detector) -> Window:
    """The speech from sample `start` on that fits into so many chunks, cut where nobody speaks."""
    sound = recording.read(start, chunks * REACH)[:, 0]
    speech, end = list(detect(sound)), len(sound)
    if start + end < recording.frames and len(speech) > 1 and speech[-1][1] > end - EDGE:
        end = speech.pop()[0]
    packs = _packed(speech)
    if len(packs) > chunks:
        end = packs[chunks][0][0]
    return Window(tuple(_chunk(pack, sound, start) for pack in packs[:chunks]), start + end)


def _packed(speech: Sequence[Stretch]) -> list[list[Stretch]]:
    """Neighbours together, as many as CHUNK has room for."""
    packs: list[list[Stretch]] = []
    room = 0
    for start, end in speech:
        if end - start > room:
            packs.append([])
            room = CHUNK
        packs[-1].append((start, end))
        room -= end - start
    return packs


def _chunk(pack: Sequence[Stretch], sound: Sound, offset: int) -> Chunk:
    stretches = tuple((start + offset, end + offset) for start, end in pack)
    return Chunk(stretches, np.concatenate([sound[start:end] for start, end in pack]))
