"""Enhancement of recordings, and separation of music into stems."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class EnhancementRequest:
    """How to enhance a recording; already validated."""

    strength: float = 1.0
    """How much noise or reverberation to remove: over 0; at 1 as much as the engine can."""


@dataclass(frozen=True, slots=True)
class Stems:
    """The output of one step of separation: the same section of every stem."""

    samples: Mapping[str, NDArray[np.float32]]
    """Stem, one of `card.stems` → (n, channels), with the same n; not clipped, so that they sum to the mix."""
    rate: int
    """Sample rate, Hz."""
    last: bool = False
    """True if no step follows. False also means unknown."""

    @property
    def seconds(self) -> float:
        return len(next(iter(self.samples.values()))) / self.rate
