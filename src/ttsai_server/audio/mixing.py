"""Downmix to mono or stereo, and mono to stereo, with weights that sum to 1, so that nothing can clip.

Channels of opposite phase (one of two cables wired the wrong way round) would cancel out; then one of them is used.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_WEIGHTS = {"FL": (1.0, 0.0), "FR": (0.0, 1.0), "FC": (0.707, 0.707), "LFE": (0.0, 0.0), "BC": (0.5, 0.5)}
"""Speaker → weights in (left, right), after ITU-R BS.775: the centre, where speech is, and the surround at -3 dB."""
_CANCELLED = 0.03
"""Channels count as cancelled out if their sum has less than this share of their summed power."""
_LEFT, _RIGHT = (0.707, 0.0), (0.0, 0.707)


def mix_matrix(speakers: Sequence[str], channels: int) -> NDArray[np.float32]:
    """Mixing weights, float32 (len(speakers), channels): samples (n, speakers) @ weights are samples (n, channels).

    speakers: FFmpeg's channel names, e.g. FL or LFE. channels: 1, 2 or len(speakers); anything else is a ValueError.
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
    weights = sides if channels == 2 else sides.sum(axis=1, keepdims=True)
    return weights / weights.sum(axis=0)


def mix(samples: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mix float32 (n, speakers) to (n, channels) with the weights of `mix_matrix`.

    An output channel whose inputs cancel out becomes the first of them that is loud.
    """
    output = samples @ weights
    if len(weights) == 1 or not len(samples):
        return output
    power = np.mean(samples * samples, axis=0)
    for side, output_power in enumerate(np.mean(output * output, axis=0)):
        if output_power < _CANCELLED * (power @ weights[:, side] ** 2):
            parts = np.where(weights[:, side] > 0, power, 0)
            output[:, side] = samples[:, np.argmax(parts >= parts.max() / 2)]
    return output


def _weights(speaker: str) -> tuple[float, float]:
    return _WEIGHTS.get(speaker) or (
        _LEFT if speaker.endswith("L") else _RIGHT if speaker.endswith("R") else (0.5, 0.5)
    )
