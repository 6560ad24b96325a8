"""Detection of speech in sound that is still coming in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DETECTION_FRAME = 512
"""Samples of which it is said whether they are speech: 32 ms at 16 kHz."""


@dataclass(frozen=True, slots=True, eq=False)
class SoundFrames:
    """The next frames of a sound."""

    samples: NDArray[np.float32]
    """float32 (n,), in [-1, 1]; n is a multiple of DETECTION_FRAME, over 0."""
    state: NDArray[np.float32] | None = None
    """What the detector knows of the sound before them: `FrameSpeech.state` of the frames before; None: nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameSpeech:
    """Which of some frames are speech; the only step of its work."""

    probabilities: NDArray[np.float32]
    """Of speech in each frame, 0 to 1."""
    state: NDArray[np.float32]
    """For the frames that come next."""
    seconds: float
    last: bool = True
