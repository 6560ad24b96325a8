"""The steps of an engine's work, and audio."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ttsai_server.domain.speech import SpokenWord


class Step(Protocol):
    """The result of one step of an engine's work. Between steps, work can be cancelled or give way to other work."""

    @property
    def seconds(self) -> float:
        """Length of the audio that the step generated, or of the part of a recording that it processed."""
        ...

    @property
    def last(self) -> bool:
        """True if no step follows. False also means unknown."""
        ...


@dataclass(frozen=True, slots=True)
class RecordingStep:
    """The result of one step of work on a recording, for the section from `start` to `end`."""

    start: float
    """Seconds from the start of the recording; the end of the previous step."""
    end: float
    """Seconds from the start of the recording."""
    last: bool = field(default=False, kw_only=True)
    """True if no step follows. False also means unknown."""

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Audio:
    """A section of audio."""

    samples: NDArray[np.float32]
    """Shape (n, channels), in [-1, 1]."""
    rate: int
    """Sample rate, Hz."""
    last: bool = False
    """True if no more audio follows. False also means unknown."""
    words: tuple[SpokenWord, ...] = ()
    """Those of a request for speech that end here, if it asks for `timestamps`; they count from the start of all of
    its sound, and from that of its text."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate
