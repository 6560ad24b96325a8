"""Reads a recording window by window, and packs its speech into chunks of the model's input length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording

RATE = 16_000
"""Whisper's sample rate, Hertz."""
CHUNK = 30 * RATE
"""Samples of Whisper's input."""
REACH = 3 * CHUNK // 2
"""Samples read for each chunk: without the pauses, they mostly fill it."""
MOST_AGAIN = 0.6
"""Largest share of a chunk that is transcribed again in one part. More is split in two: in one part, the model would
omit the same words again."""
EDGE = RATE
"""Speech that ends less than this many samples before a window's end may continue in the next window."""

Sound = NDArray[np.float32]
"""Shape (n,), at RATE."""
Stretch = tuple[int, int]
"""First and last sample (exclusive) of a stretch of speech."""
Detector = Callable[[Sound], Sequence[Stretch]]
"""Finds the speech in a sound: stretches in order, none longer than CHUNK."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Stretches of speech, concatenated without the silence between them."""

    stretches: tuple[Stretch, ...]
    """In samples of the recording."""
    sound: Sound

    @property
    def seconds(self) -> float:
        return len(self.sound) / RATE

    def again(self, start: float, end: float) -> Sequence[int]:
        """Where to cut the chunk (see `cut`) to transcribe its seconds `start` to `end` again in smaller parts.

        The stretches that contain those seconds, in two halves if they are most of the chunk; empty if the chunk is a
        single stretch.
        """
        edges = self.edges
        if len(self.stretches) == 1:
            return ()
        # converting seconds back to samples has an error, which may exceed the last edge
        first = min(max(int(np.searchsorted(edges, start * RATE, "right")) - 1, 0), len(self.stretches) - 1)
        # a time on the border of two stretches belongs to the second
        stop = min(max(int(np.searchsorted(edges, end * RATE, "left")), first + 1), len(self.stretches))
        if stop - first == 1 or edges[stop] - edges[first] <= MOST_AGAIN * edges[-1]:
            return first, stop
        middle = (edges[first] + edges[stop]) / 2
        return first, first + 1 + int(np.argmin(np.abs(edges[first + 1 : stop] - middle))), stop

    def cut(self, *stretches: int) -> list[Chunk]:
        """Cut the chunk before the stretches with these indices; the first parts may be empty."""
        edges, cuts = self.edges, [0, *stretches, len(self.stretches)]
        return [Chunk(self.stretches[a:b], self.sound[edges[a] : edges[b]]) for a, b in pairwise(cuts)]

    @property
    def edges(self) -> NDArray[np.int64]:
        """Samples of `sound` at which the stretches begin, then its length."""
        return np.cumsum([0, *(last - first for first, last in self.stretches)])

    def time(self, seconds: float, within: float) -> float:
        """Convert a time in the chunk to one in the recording, both seconds; clipped to the stretch that contains the
        chunk's time `within`."""
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
    """The speech from sample `start` on that fits into at most `chunks` chunks, cut in pauses."""
    sound = recording.read(start, chunks * REACH)[:, 0]
    speech, end = list(detect(sound)), len(sound)
    if start + end < recording.frames and len(speech) > 1 and speech[-1][1] > end - EDGE:
        end = speech.pop()[0]
    packs = _packed(speech)
    if len(packs) > chunks:
        end = packs[chunks][0][0]
    return Window(tuple(_chunk(pack, sound, start) for pack in packs[:chunks]), start + end)


def _packed(speech: Sequence[Stretch]) -> list[list[Stretch]]:
    """Group consecutive stretches, as many as fit into CHUNK."""
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
