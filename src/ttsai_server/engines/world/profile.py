"""What is measured of a speaker: how high and how varied the pitch is, and the long-term spectrum of voiced speech."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ttsai_server.engines.world.vocoder import Parts

Array = NDArray[np.float64]
FEWEST = 100
"""Voiced frames that a profile needs: half a second."""
LOUD = 0.3
"""Share of the voiced frames, the softest ones, that are left out: ends of words, and what is not the speaker."""


@dataclass(frozen=True, slots=True)
class Profile:
    pitch: float
    """Mean of the logarithm of the pitch in Hz."""
    spread: float
    """Its standard deviation."""
    envelope: Array
    """(bins,): mean of the envelopes' logarithm."""

    @classmethod
    def of(cls, heard: Iterable[Parts]) -> Self | None:
        """The profile of one speaker's speech; None if too little of it is voiced."""
        parts = list(heard)
        hertz = np.concatenate([np.zeros(0), *(part.hertz[part.voiced] for part in parts)])
        if len(hertz) < FEWEST:
            return None
        envelope = np.concatenate([part.envelope[part.voiced] for part in parts])
        level = envelope.mean(axis=1)
        loud = level >= np.quantile(level, LOUD)
        log = np.log(hertz)
        return cls(float(np.mean(log)), float(np.std(log)), envelope[loud].mean(axis=0))

    @classmethod
    def stored(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The profile in a reference's arrays."""
        return cls(float(arrays["pitch"]), float(arrays["spread"]), arrays["envelope"].astype(np.float64))

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {name: np.asarray(value, np.float32) for name, value in asdict(self).items()}
