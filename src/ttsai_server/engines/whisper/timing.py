"""Corrects Whisper's word times by the loudness of the sound.

Whisper's times come from its decoder's attention (dynamic time warping over attention weights). In a pause they are
arbitrary, and the attention of a checkpoint may be ahead of the words, or behind them.
"""

from __future__ import annotations

from collections.abc import Iterable
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


def settle(words: Iterable[Aligned], sound: Sound, lead: float) -> list[Aligned]:
    """Make words later by `lead` seconds, and move each word's start and end out of silence. sound: (n,), at RATE."""
    loud = _loud(sound)
    frames = np.arange(len(loud))
    after = np.minimum.accumulate(np.where(loud, frames, len(loud))[::-1])[::-1]
    before = np.maximum.accumulate(np.where(loud, frames, -1)) + 1
    return [_settled(word, lead, after, before) for word in words]


def _settled(word: Aligned, lead: float, after: NDArray[np.int64], before: NDArray[np.int64]) -> Aligned:
    """after: for each frame, the next loud frame, itself included; before: one past the previous loud frame."""
    last = len(after) - 1
    start, end = (min(max(0, round((moment + lead) * RATE / FRAME)), last) for moment in (word.start, word.end))
    first, stop = int(after[start]), int(before[max(end - 1, 0)])
    if start <= first < stop <= end:
        start, end = first, stop
    return replace(word, start=start * FRAME / RATE, end=end * FRAME / RATE)


def _loud(sound: Sound) -> NDArray[np.bool_]:
    frames = np.pad(sound, (0, -len(sound) % FRAME)).reshape(-1, FRAME)
    level = np.sqrt(np.mean(np.square(frames), axis=1))
    nearby = sliding_window_view(np.pad(level, NEAR), 2 * NEAR + 1).max(axis=1)
    return (level >= QUIET * nearby) & (level > 0)
