"""The windows in which voices are compared: one about every .2 s of speech, up to 1.2 s long."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording
from ttsai_server.engines.speakers.mel import HOP, RATE, mel
from ttsai_server.engines.speakers.speech import Stretch

Array = NDArray[np.float32]
Embed = Callable[[Array], Array]
"""mel (n, frames, 40) → embeddings (n, size)."""
CELL = 20
"""From a window to the next, about, frames of 10 ms: how finely speakers are told apart in time."""
NEAREST, FARTHEST = 40, 60
"""Frames that a window reaches to either side of its cell's middle: fewer near a pause, which it never crosses, so that
a short answer after another speaker is heard by itself. The encoder was trained on 80, which blur changes."""
LENGTHS = 20
"""Windows are multiples of it long, frames, so that many are embedded at once."""
LOUDNESS = 1e-3
"""Mean square that each window is brought to: the spectrum is no logarithm, and the encoder was trained at -30 dBFS."""
BATCH = 32
CLEAR = 100
"""Frames of a window that say enough of a voice to tell what it is like."""
APART = 4
"""Windows from one to a close neighbour that is another's sound for the better part."""
SAMPLED = 2
"""Windows from one that is clustered to the next: overlapping by half or more."""
LIKENESS = 0.82
"""Cosine of close neighbours in clean speech, where none are long enough to measure."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows in order of time: arrays of one length n."""

    cells: NDArray[np.float64]
    """(n, 2): the seconds that a window speaks for; they touch, but for pauses."""
    frames: NDArray[np.int64]
    """(n,): how long each is, in 10 ms."""
    embeddings: NDArray[np.float16]
    """(n, size), of norm 1: 2.5 kB per second of speech."""

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def clear(self) -> NDArray[np.bool_]:
        return self.frames >= CLEAR

    def sample(self) -> Array:
        """Embeddings, float32, of every second clear window, or of all windows if none is clear."""
        chosen = np.flatnonzero(self.clear)[::SAMPLED]
        return (self.embeddings[chosen] if len(chosen) else self.embeddings).astype(np.float32)

    def likeness(self) -> float:
        """Median cosine of close neighbours, most of which have one speaker."""
        left, right = slice(None, -APART), slice(APART, None)
        near = self.cells[right, 0] - self.cells[left, 1] < APART * CELL / 100
        chosen = np.flatnonzero(near & self.clear[left] & self.clear[right])
        if not len(chosen):
            return LIKENESS
        return float(
            np.median(np.sum(self.embeddings[chosen] * self.embeddings[chosen + APART], axis=1, dtype=np.float32))
        )


def joined(parts: Sequence[Windows]) -> Windows:
    """One after the other; at least one."""
    columns = ([getattr(part, name) for part in parts] for name in Windows.__slots__)
    return Windows(*(np.concatenate(column) for column in columns))


def hear(recording: Recording, stretches: Sequence[Stretch], embed: Embed) -> Windows:
    """The windows of stretches of speech, at least one, from a recording that is mono at 16 kHz."""
    cells, mels = [], list[Array]()
    for first, last in stretches:
        samples = recording.read(first, last - first)[:, 0]
        spectrum = mel(samples)
        middles, spans = layout(len(samples) // HOP)
        cells.append(middles / 100 + first / RATE)
        mels += [_levelled(spectrum[begin:end], samples[begin * HOP : end * HOP]) for begin, end in spans]
    frames = np.array([len(window) for window in mels])
    return Windows(np.concatenate(cells), frames, _embedded(mels, frames, embed))


def layout(frames: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Of a stretch of speech: the cells, (n, 2), and the windows' first frames and ends, (n, 2)."""
    edges = np.linspace(0, frames, max(1, round(frames / CELL)) + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    reach = np.clip(np.minimum(edges[1:], frames - edges[:-1]), NEAREST, FARTHEST)
    begin, end = np.maximum(middles - reach, 0), np.minimum(middles + reach, frames)
    length = (end - begin).astype(int)
    length = np.where(length < LENGTHS, length, length // LENGTHS * LENGTHS)
    first = ((begin + end - length) / 2).astype(int)
    return np.stack([edges[:-1], edges[1:]], 1), np.stack([first, first + length], 1)


def _levelled(spectrum: Array, samples: Array) -> Array:
    return spectrum * np.float32(LOUDNESS / (np.mean(samples**2) + 1e-12))


def _embedded(mels: Sequence[Array], frames: NDArray[np.int64], embed: Embed) -> NDArray[np.float16]:
    made: dict[int, NDArray[np.float16]] = {}
    for batch in _batches(frames):
        embeddings = embed(np.stack([mels[index] for index in batch])).astype(np.float16)
        made.update(zip(batch, embeddings, strict=True))
    return np.stack([made[index] for index in range(len(mels))])


def _batches(frames: NDArray[np.int64]) -> Iterator[list[int]]:
    """Indices of windows of one length."""
    for length in np.unique(frames):
        alike = np.flatnonzero(frames == length).tolist()
        yield from (alike[i : i + BATCH] for i in range(0, len(alike), BATCH))
