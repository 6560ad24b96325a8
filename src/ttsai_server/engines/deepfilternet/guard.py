"""Whether what a denoiser would take away is other people's speech: then it is no noise, and had better stay.

DeepFilterNet keeps one voice out of noise. Where others talk as well it can't know which is meant, and takes away parts
of all: with six clear voices 5 dB softer than the speaker, Whisper's word error rate rose from 4 % to 35 %. Silero's
detector tells this from noise, asked about what is taken away, above all where nobody is left speaking, for a room's
echo of the speaker is taken away while he speaks. Over 8 s the mean is .38 or more with such voices up to 10 dB softer,
and .25 or less with white noise or hum, in rooms without echo and with an RT60 of 1 s. A crowd of 22 voices is noise.
"""

import numpy as np
import soxr
from numpy.typing import NDArray

from ttsai_server.engines.deepfilternet.stream import RATE
from ttsai_server.engines.shared.detector import FRAME, Detector

Array = NDArray[np.float32]
HEARING_RATE = 16_000
"""Hertz that the detector takes."""
JUDGED = FRAME * RATE // HEARING_RATE
"""Samples that it judges at once."""
LEAD = RATE
"""Samples that it hears before those that it judges, to get going."""
LOUDNESS = 0.05
"""RMS that the sound is brought to: its level is no matter."""
SPEAKING = 0.02
"""What a moment counts in which somebody is left speaking, to one in which nobody is."""
NOISE, VOICES = 0.28, 0.38
"""Mean probability of speech up to which all that is taken away may go, and from which on all stays."""


class Guard:
    """Listens to one channel; for one thread."""

    def __init__(self, detect: Detector) -> None:
        self._detect = detect
        self._before = np.zeros((0, 2), np.float32)

    def hear(self, noisy: Array, clean: Array) -> Array:
        """The next stretch, both (n,) at `RATE`, n > 0 → (2,): sum of the weighted probabilities, sum of the weights.

        Those of several stretches, added up, are those of all of them.
        """
        loud = np.sqrt(np.mean(noisy**2)) + 1e-9
        heard = np.concatenate([self._before, np.stack([noisy - clean, clean], axis=1)])
        self._before = heard[-LEAD:]
        taken, left = (self._judged(sound, len(noisy)) for sound in (heard * (LOUDNESS / loud)).T)
        weights = 1 - left + SPEAKING
        return np.array([np.sum(weights * taken), np.sum(weights)], np.float32)

    def _judged(self, sound: Array, count: int) -> Array:
        """Probabilities of speech in the last `count` samples, which are at `RATE`."""
        whole = np.pad(sound, (0, -len(sound) % JUDGED))
        probabilities = self._detect(soxr.resample(whole, RATE, HEARING_RATE).astype(np.float32))
        judged = -(-count // JUDGED)
        return probabilities[-judged:]


def staying(sums: Array) -> Array:
    """(…, 2), as from `hear` → (…): share of what is taken away that had better stay."""
    return np.clip((sums[..., 0] / sums[..., 1] - NOISE) / (VOICES - NOISE), 0, 1)
