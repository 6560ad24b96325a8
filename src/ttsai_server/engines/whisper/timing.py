"""Corrects Whisper's word times by the loudness of the sound.

Whisper's times come from its decoder's attention (dynamic time warping over attention weights). In a pause they are
arbitrary, and the attention of a checkpoint may be ahead of the words, or behind them. Where a word begins with a
plosive, they are at the end of the word before, not at the burst after the closure of the mouth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ttsai_server.engines.shared.transcription.windows import RATE, Sound
from ttsai_server.engines.shared.transcription.words import Aligned

FRAME = RATE // 100
"""Samples per frame: 10 ms."""
NEAR = 100
"""Frames on either side that a frame is compared with."""
QUIET = 0.03
"""A frame is silent if it is below this fraction of the loudest frame nearby (-30 dB)."""
PLOSIVES = frozenset("bcdgjkpqt")
"""Letters that a word begins with where the mouth is closed before its first sound, in most languages."""
CLOSURE = 3
"""Frames of silence, at least, of a closure."""
EARLY, LATE = 5, 20
"""Frames: a closure begins at most so long before the time at which the word is told to begin, and so long after it."""


def settle(words: Iterable[Aligned], sound: Sound, lead: float) -> list[Aligned]:
    """Make words later by `lead` seconds, and move each word's start and end out of silence, and the start of one with
    a plosive to its burst. sound: (n,), at RATE."""
    loud = _loud(sound)
    frames = np.arange(len(loud))
    after = np.minimum.accumulate(np.where(loud, frames, len(loud))[::-1])[::-1]
    before = np.maximum.accumulate(np.where(loud, frames, -1)) + 1
    return _to_bursts([_settled(word, lead, after, before) for word in words], loud)


def _settled(word: Aligned, lead: float, after: NDArray[np.int64], before: NDArray[np.int64]) -> Aligned:
    """after: for each frame, the next loud frame, itself included; before: one past the previous loud frame."""
    last = len(after) - 1
    start, end = (min(max(0, round((moment + lead) * RATE / FRAME)), last) for moment in (word.start, word.end))
    first, stop = int(after[start]), int(before[max(end - 1, 0)])
    if start <= first < stop <= end:
        start, end = first, stop
    return replace(word, start=start * FRAME / RATE, end=end * FRAME / RATE)


def _to_bursts(words: Sequence[Aligned], loud: NDArray[np.bool_]) -> list[Aligned]:
    """Where a word without a pause before it begins with a plosive, put the closure between it and the word before."""
    edges = np.flatnonzero(np.diff(loud, prepend=True, append=True)).reshape(-1, 2)
    closures = edges[edges[:, 1] - edges[:, 0] >= CLOSURE]
    moved = list(words[:1])
    for word in words[1:]:
        before = moved[-1]
        if (
            word.text[:1] == " "
            and word.text[1:2].lower() in PLOSIVES
            and (closure := _between(before, word, closures))
        ):
            moved[-1], word = replace(before, end=closure[0]), replace(word, start=closure[1])
        moved.append(word)
    return moved


def _between(before: Aligned, word: Aligned, closures: NDArray[np.int64]) -> tuple[float, float] | None:
    """The first of the closures, (n, 2) frames, that may be between the two words: [start, end), seconds."""
    earliest, pause, start, end = (round(at * RATE / FRAME) for at in (before.start, before.end, word.start, word.end))
    if start - pause > CLOSURE:
        return None
    first, stop = closures.T
    fits = (first >= max(start - EARLY, earliest + CLOSURE)) & (first <= start + LATE) & (stop + CLOSURE <= end)
    return (float(first[fits][0]) * FRAME / RATE, float(stop[fits][0]) * FRAME / RATE) if fits.any() else None


def _loud(sound: Sound) -> NDArray[np.bool_]:
    frames = np.pad(sound, (0, -len(sound) % FRAME)).reshape(-1, FRAME)
    level = np.sqrt(np.mean(np.square(frames), axis=1))
    nearby = sliding_window_view(np.pad(level, NEAR), 2 * NEAR + 1).max(axis=1)
    return (level >= QUIET * nearby) & (level > 0)
