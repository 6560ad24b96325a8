"""Takes speech apart into pitch, spectral envelope and noise, and makes speech of these, by the vocoder WORLD.

Morise, Yokomori and Ozawa 2016, "WORLD: a vocoder-based high-quality speech synthesis system for real-time
applications"; pitch by DIO (Morise 2009) and StoneMask, envelopes by CheapTrick (Morise 2015), noise by D4C (2016).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
HOP = 0.005
"""Seconds from one frame to the next."""
LOWEST, HIGHEST = 60.0, 600.0
"""Range of the pitch of speech, Hz."""
FLOOR = 1e-12
"""Lower bound of an envelope's power, for silence."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Speech, taken apart: one row per frame."""

    hertz: Array
    """(frames,): pitch; 0 where there is none."""
    envelope: Array
    """(frames, bins): natural logarithm of the power at equal steps from 0 Hz to half the sample rate."""
    noise: Array
    """(frames, bins): share of noise, 0 to 1."""

    @property
    def voiced(self) -> NDArray[np.bool_]:
        return self.hertz > 0


def pitch(samples: NDArray[np.float32], rate: int) -> tuple[Array, Array]:
    """Pitch, Hz, 0 where there is none, and time, s, of each frame. samples: (n,), at `rate` Hz."""
    import pyworld

    sound = samples.astype(np.float64)
    rough, times = pyworld.dio(sound, rate, LOWEST, HIGHEST, frame_period=1000 * HOP)
    return pyworld.stonemask(sound, rough, times, rate), times


def analyse(samples: NDArray[np.float32], rate: int) -> Parts:
    """samples: (n,), at `rate` Hz, n > 0. As many frames as n allows: 1 + n // (HOP * rate)."""
    import pyworld

    sound = samples.astype(np.float64)
    hertz, times = pitch(samples, rate)
    envelope = pyworld.cheaptrick(sound, hertz, times, rate)
    noise = pyworld.d4c(sound, hertz, times, rate)
    return Parts(hertz, np.log(np.maximum(envelope, FLOOR)), noise)


def synthesise(parts: Parts, rate: int, count: int) -> NDArray[np.float32]:
    """(count,) samples at `rate` Hz of at least as many frames."""
    import pyworld

    hertz, power, noise = (np.ascontiguousarray(part) for part in (parts.hertz, np.exp(parts.envelope), parts.noise))
    made = pyworld.synthesize(hertz, power, noise, rate, 1000 * HOP)[:count].astype(np.float32)
    return np.pad(made, (0, count - len(made)))
