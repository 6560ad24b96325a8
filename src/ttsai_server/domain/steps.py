"""What an engine's work comes in: steps, and sound."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Step(Protocol):
    """What one step of an engine's work has made or done."""

    @property
    def seconds(self) -> float:
        """How much sound it has made, or how much of a recording it has done."""
        ...

    @property
    def last(self) -> bool:
        """True if no step follows. False also means unknown."""
        ...


@dataclass(frozen=True, slots=True)
class RecordingStep:
    """What one step of work on a recording has done: the stretch from `start` to `end`."""

    start: float
    """Seconds from the start of the recording; where the step before ended."""
    end: float
    """Seconds from the start of the recording."""
    last: bool = field(default=False, kw_only=True)
    """True if no step follows. False also means unknown."""

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Audio:
    """A stretch of sound."""

    samples: NDArray[np.float32]
    """Shape (n, channels), in [-1, 1]."""
    rate: int
    """Hertz."""
    last: bool = False
    """True if no more sound follows. False also means unknown."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate
