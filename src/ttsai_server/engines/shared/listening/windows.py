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
MOST_AGAIN = 0.6
"""Share of a chunk that is heard again in one part; more is heard in two, for the model would leave out the same."""
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

    @property
    def seconds(self) -> float:
        return len(self.sound) / RATE

    def again(self, start: float, end: float) -> Sequence[int]:
        """Where to cut the chunk (`cut`) to hear its seconds `start` to `end` again: smaller parts between two cuts.

        The stretches around those seconds, in two halves if they are most of the chunk; nothing if it is one stretch.
        """
        edges = self.edges
        if len(self.stretches) == 1:
            return ()
        # seconds become samples again with an error, which may lie past the last edge
        first = min(max(int(np.searchsorted(edges, start * RATE, "right")) - 1, 0), len(self.stretches) - 1)
        # a moment between two stretches is the first one of the second
        stop = min(max(int(np.searchsorted(edges, end * RATE, "left")), first + 1), len(self.stretches))
        if stop - first == 1 or edges[stop] - edges[first] <= MOST_AGAIN * edges[-1]:
            return first, stop
        middle = (edges[first] + edges[stop]) / 2
        return first, first + 1 + int(np.argmin(np.abs(edges[first + 1 : stop] - middle))), stop

    def cut(self, *stretches: int) -> list[Chunk]:
        """The chunk in parts, the first ones of which may be empty: cut before the stretches of these numbers."""
        edges, cuts = self.edges, [0, *stretches, len(self.stretches)]
        return [Chunk(self.stretches[a:b], self.sound[edges[a] : edges[b]]) for a, b in pairwise(cuts)]

    @property
    def edges(self) -> NDArray[np.int64]:
        """Samples of `sound` at which the stretches begin, and its end."""
        return np.cumsum([0, *(last - first for first, last in self.stretches)])

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
