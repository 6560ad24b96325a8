"""Assigns each window to a voice: finds the likeliest sequence of speakers.

Viterbi resegmentation after clustering (Anguera et al. 2012, "Speaker diarization: a review of recent research"), on
cosines: a change of speaker has a cost, a lower one at a pause. The voices are then recomputed from their windows.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ttsai_server.domain import Turn
from ttsai_server.engines.speakers.windows import Windows

Array = NDArray[np.float32]
Labels = NDArray[np.int64]

ROUNDS = 2
"""How often the voices are recomputed."""
CHANGE, CHANGE_AT_PAUSE = 0.05, 0.01
"""Cost of a change of speaker, in units of cosine times seconds."""
LONG = 120
"""Frames of a window with full weight; a shorter one counts less."""
PART = 4096
"""Windows compared at once, whose embeddings are converted to float32."""
BREATH = 0.6
"""Longest pause within a turn, seconds."""


def turns(windows: Windows, voices: Array) -> tuple[Turn, ...]:
    """Assign the windows (n >= 1) to voices (k >= 1, size) of norm 1; a voice may get none."""
    labels = _labels(windows, voices)
    for _ in range(ROUNDS):
        voices = _anew(windows, labels, voices)
        labels = _labels(windows, voices)
    return tuple(_joined(windows, _by_first_word(labels)))


def _labels(windows: Windows, voices: Array) -> Labels:
    seconds = windows.cells[:, 1] - windows.cells[:, 0]
    weights = seconds * np.minimum(1, windows.frames / LONG)
    scores = np.concatenate([part @ voices.T for part in _parts(windows)]) * weights[:, None]
    at_pause = windows.cells[1:, 0] - windows.cells[:-1, 1] > 1e-3
    return _likeliest(scores, np.where(at_pause, CHANGE_AT_PAUSE, CHANGE))


def _likeliest(scores: NDArray[np.float64], costs: NDArray[np.float64]) -> Labels:
    """The path with the highest sum. scores: (n, k). costs: (n - 1,), of a change between two windows."""
    came = np.zeros(scores.shape, np.int64)
    stay = np.arange(scores.shape[1])
    total = scores[0]
    for i in range(1, len(scores)):
        best = int(total.argmax())
        changed = total[best] - costs[i - 1]
        came[i] = np.where(total >= changed, stay, best)
        total = np.maximum(total, changed) + scores[i]
    labels = np.full(len(scores), int(total.argmax()))
    for i in range(len(scores) - 1, 0, -1):
        labels[i - 1] = came[i, labels[i]]
    return labels


def _anew(windows: Windows, labels: Labels, voices: Array) -> Array:
    """The mean of each voice's clear windows; a voice without any is unchanged."""
    sums = np.zeros_like(voices)
    for begin, part in enumerate(_parts(windows)):
        here = slice(begin * PART, begin * PART + PART)
        np.add.at(sums, labels[here][windows.clear[here]], part[windows.clear[here]])
    norms = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.where(norms > 0, sums / np.maximum(norms, 1e-9), voices).astype(np.float32)


def _parts(windows: Windows) -> Iterator[Array]:
    for begin in range(0, len(windows), PART):
        yield windows.embeddings[begin : begin + PART].astype(np.float32)


def _by_first_word(labels: Labels) -> list[int]:
    order = {label: number for number, label in enumerate(dict.fromkeys(labels.tolist()))}
    return [order[label] for label in labels.tolist()]


def _joined(windows: Windows, speakers: list[int]) -> Iterator[Turn]:
    """Merge consecutive windows of a speaker, with pauses of at most BREATH, into turns."""
    begin, end, speaking = *windows.cells[0].tolist(), speakers[0]
    for (start, stop), speaker in zip(windows.cells.tolist(), speakers, strict=True):
        if speaker != speaking or start - end > BREATH:
            yield Turn(begin, end, speaking)
            begin, speaking = start, speaker
        end = stop
    yield Turn(begin, end, speaking)
