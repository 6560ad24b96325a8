"""Sound made better, or taken apart."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class EnhancementRequest:
    """How a recording is to be bettered: already validated."""

    strength: float = 1.0
    """How much of what is unwanted is to go: over 0, as much as the engine can at 1."""


@dataclass(frozen=True, slots=True)
class Stems:
    """What one step of separation has made: the same stretch of each stem."""

    samples: Mapping[str, NDArray[np.float32]]
    """Stem of `card.stems` → (n, channels), all as long; not clipped, so that they sum to the mix."""
    rate: int
    """Hertz."""
    last: bool = False
    """True if no more follows. False also means unknown."""

    @property
    def seconds(self) -> float:
        return len(next(iter(self.samples.values()))) / self.rate
