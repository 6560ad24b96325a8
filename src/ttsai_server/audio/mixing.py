"""Many channels → fewer, and back: fixed weights that sum to 1, so that nothing can clip.

Channels of opposite phase (one cable of two wired the wrong way round) would be silence: there one channel is taken.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_WEIGHTS = {"FL": (1.0, 0.0), "FR": (0.0, 1.0), "FC": (0.707, 0.707), "LFE": (0.0, 0.0), "BC": (0.5, 0.5)}
"""Of a speaker in (left, right) after ITU-R BS.775: the centre, where speech is, and the surround at -3 dB."""
_CANCELLED = 0.03
"""A sum with less than so much of the power that its parts have together is one that has cancelled itself out."""
_LEFT, _RIGHT = (0.707, 0.0), (0.0, 0.707)


def mixing(speakers: Sequence[str], channels: int) -> NDArray[np.float32]:
    """float32 (len(speakers), channels): samples (n, speakers) times this are samples (n, channels).

    speakers: FFmpeg's names, as FL or LFE. channels: their own number, 1 or 2; anything else is a ValueError.
    """
    if channels == len(speakers):
        return np.eye(channels, dtype=np.float32)
    if channels not in (1, 2):
        raise ValueError(f"{len(speakers)} channels can't become {channels}")
    if len(speakers) == 1:
        return np.ones((1, channels), np.float32)
    sides = np.array([_weights(name) for name in speakers], np.float32)
    if not sides.sum(axis=0).all():  # speakers without names, or all on one side
        sides = np.ones_like(sides)
    mixed = sides if channels == 2 else sides.sum(axis=1, keepdims=True)
    return mixed / mixed.sum(axis=0)


def mixed(samples: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32 (n, channels) of samples (n, speakers), by what `mixing` gave; where a sum cancels, one of its parts."""
    made = samples @ weights
    if len(weights) == 1 or not len(samples):
        return made
    power = np.mean(samples * samples, axis=0)
    for side, heard in enumerate(np.mean(made * made, axis=0)):
        if heard < _CANCELLED * (power @ weights[:, side] ** 2):
            parts = np.where(weights[:, side] > 0, power, 0)
            made[:, side] = samples[:, np.argmax(parts >= parts.max() / 2)]  # the first of those that are loud
    return made


def _weights(speaker: str) -> tuple[float, float]:
    return _WEIGHTS.get(speaker) or (
        _LEFT if speaker.endswith("L") else _RIGHT if speaker.endswith("R") else (0.5, 0.5)
    )
