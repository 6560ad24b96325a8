"""Cuts speech into windows and embeds them: one about every .2 s, up to 1.2 s long."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording
from ttsai_server.engines.shared.speaker_mel import HOP, RATE, mel
from ttsai_server.engines.speakers.speech import Stretch

Array = NDArray[np.float32]
Embed = Callable[[Array], Array]
"""mel (n, frames, 40) → embeddings (n, size)."""
CELL = 20
"""Length of a cell, the part of the recording that a window decides about, in frames of 10 ms, approximately."""
NEAREST, FARTHEST = 40, 60
"""Frames of a window on either side of its cell's middle: fewer near a pause, which it never crosses, so that a short
answer after another speaker is embedded separately. The encoder was trained with 80, which blur changes."""
LENGTHS = 20
"""Long windows are a multiple of this long, frames, so that many can be embedded in a batch."""
LOUDNESS = 1e-3
"""Mean square that each window is scaled to: the spectrum has no logarithm, and the encoder was trained at -30 dBFS."""
BATCH = 32
CLEAR = 100
"""Least frames of a window that characterises a voice reliably."""
APART = 4
"""Distance of neighbouring windows compared to measure similarity, in windows: most of their sound is not shared."""
SAMPLED = 2
"""Every second window is clustered; they overlap by half or more."""
LIKENESS = 0.82
"""Similarity (cosine) of neighbouring windows in clean speech, used if no windows are long enough to measure it."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows in order of time: arrays of one length n."""

    cells: NDArray[np.float64]
    """(n, 2): begin and end, seconds, of the part that a window decides about; contiguous except for pauses."""
    frames: NDArray[np.int64]
    """(n,): length of each window, in frames of 10 ms."""
    embeddings: NDArray[np.float16]
    """(n, size), of norm 1: 2.5 kB per second of speech."""

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def clear(self) -> NDArray[np.bool_]:
        return self.frames >= CLEAR

    def sample(self) -> Array:
        """Embeddings, float32 (k, size), of every second clear window, or of all windows if none is clear."""
        chosen = np.flatnonzero(self.clear)[::SAMPLED]
        return (self.embeddings[chosen] if len(chosen) else self.embeddings).astype(np.float32)

    def likeness(self) -> float:
        """Median cosine of neighbouring windows, most of which have the same speaker."""
        left, right = slice(None, -APART), slice(APART, None)
        near = self.cells[right, 0] - self.cells[left, 1] < APART * CELL / 100
        chosen = np.flatnonzero(near & self.clear[left] & self.clear[right])
        if not len(chosen):
            return LIKENESS
        return float(
            np.median(np.sum(self.embeddings[chosen] * self.embeddings[chosen + APART], axis=1, dtype=np.float32))
        )


def joined(parts: Sequence[Windows]) -> Windows:
    """Concatenate parts, at least one."""
    columns = ([getattr(part, name) for part in parts] for name in Windows.__slots__)
    return Windows(*(np.concatenate(column) for column in columns))


def embed_windows(recording: Recording, stretches: Sequence[Stretch], embed: Embed) -> Windows:
    """Cut stretches of speech, at least one, into windows and embed them. recording: mono, at 16 kHz."""
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
    """Divide `frames` frames of speech: returns begin and end of each cell, (n, 2), and of its window, (n, 2)."""
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
    embedded: dict[int, NDArray[np.float16]] = {}
    for batch in _batches(frames):
        embeddings = embed(np.stack([mels[index] for index in batch])).astype(np.float16)
        embedded.update(zip(batch, embeddings, strict=True))
    return np.stack([embedded[index] for index in range(len(mels))])


def _batches(frames: NDArray[np.int64]) -> Iterator[list[int]]:
    """Batches of indices of windows with the same length."""
    for length in np.unique(frames):
        alike = np.flatnonzero(frames == length).tolist()
        yield from (alike[i : i + BATCH] for i in range(0, len(alike), BATCH))
