"""Takes speech apart into pitch, spectral envelope and noise, and makes speech of these, by the vocoder WORLD.

Morise, Yokomori and Ozawa 2016, "WORLD: a vocoder-based high-quality speech synthesis system for real-time
applications"; pitch by DIO (Morise 2009) and StoneMask, envelopes by CheapTrick (Morise 2015), noise by D4C (2016).
DIO alone takes some voices for an octave higher, so it gets a range to search.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.pitch import track

Array = NDArray[np.float64]
Samples = NDArray[np.float32]
HOP = 0.005
"""Seconds from one frame to the next."""
LOWEST, HIGHEST = 60.0, 600.0
"""Range of the pitch of speech, Hz."""
NEAR = 0.65
"""Natural logarithm of the most that a pitch is above or below the median: a little less than an octave."""
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
    def loudness(self) -> Array:
        """(frames,): natural logarithm of the mean power."""
        return np.log(np.mean(np.exp(self.envelope), axis=1))

    @property
    def voiced(self) -> NDArray[np.bool_]:
        return self.hertz > 0


def pitches(samples: Samples, rate: int) -> Array:
    """The pitches heard in (n,) samples at `rate` Hz, Hz, every 10 ms, without those that are an octave off."""
    heard = track(samples, rate)
    heard = heard[heard > 0]
    return heard[np.abs(np.log(heard / np.median(heard))) < NEAR] if len(heard) else heard


def analyse(samples: Samples, rate: int) -> Parts:
    """samples: (n,), at `rate` Hz, n > 0: 1 + n // (HOP * rate) frames."""
    import pyworld

    sound, heard = samples.astype(np.float64), pitches(samples, rate)
    middle = float(np.median(heard)) if len(heard) else np.sqrt(LOWEST * HIGHEST)
    lowest, highest = max(LOWEST, middle * np.exp(-NEAR)), min(HIGHEST, middle * np.exp(NEAR))
    rough, times = pyworld.dio(sound, rate, lowest, highest, frame_period=1000 * HOP)
    hertz = pyworld.stonemask(sound, rough, times, rate)
    envelope = pyworld.cheaptrick(sound, hertz, times, rate)
    noise = pyworld.d4c(sound, hertz, times, rate)
    return Parts(hertz, np.log(np.maximum(envelope, FLOOR)), noise)


def synthesise(parts: Parts, rate: int, count: int) -> Samples:
    """(count,) samples at `rate` Hz of at least as many frames."""
    import pyworld

    hertz, power, noise = (np.ascontiguousarray(part) for part in (parts.hertz, np.exp(parts.envelope), parts.noise))
    made = pyworld.synthesize(hertz, power, noise, rate, 1000 * HOP)[:count].astype(np.float32)
    return np.pad(made, (0, count - len(made)))
