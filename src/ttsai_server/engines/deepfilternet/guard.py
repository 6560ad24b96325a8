"""Whether what a denoiser would take away is itself speech: then it is no noise, and had better stay.

DeepFilterNet keeps one voice out of noise. Where others talk as well it can't know which is meant, and takes away parts
of all: with six clear voices 5 dB softer than the speaker, Whisper's word error rate rose from 4 % to 35 %. Silero's
detector, asked about the difference, tells this from noise: its mean probability of speech over 8 s is .53 or more with
such voices up to 10 dB softer, and .41 or less with white noise or hum. A crowd of 22 voices is noise to it as well.
"""

import numpy as np
import soxr
from numpy.typing import NDArray

from ttsai_server.engines.deepfilternet.stream import RATE
from ttsai_server.engines.speakers.speech import FRAME, Detector

Array = NDArray[np.float32]
HEARING_RATE = 16_000
"""Hertz that the detector takes."""
JUDGED = FRAME * RATE // HEARING_RATE
"""Samples that it judges at once."""
LEAD = RATE
"""Samples that it hears before those that it judges, to get going."""
LOUDNESS = 0.05
"""RMS that the sound is brought to: its level is no matter."""
NOISE, VOICES = 0.41, 0.53
"""Probability up to which all that is taken away may go, and from which on all stays."""


class Guard:
    """Listens to one channel; for one thread."""

    def __init__(self, detect: Detector) -> None:
        self._detect = detect
        self._before = np.zeros(0, np.float32)

    def speech(self, taken: Array, noisy: Array) -> float:
        """How likely the next stretch of what is taken away is speech, 0 to 1. Both (n,), n > 0, at `RATE`."""
        heard = np.concatenate([self._before, taken])
        self._before = heard[-LEAD:]
        loud = np.sqrt(np.mean(noisy**2)) + 1e-9
        whole = np.pad(heard * (LOUDNESS / loud), (0, -len(heard) % JUDGED))
        sound = soxr.resample(whole, RATE, HEARING_RATE).astype(np.float32)
        judged = -(-len(taken) // JUDGED)
        return float(self._detect(sound)[-judged:].mean())


def staying(speech: NDArray[np.floating]) -> NDArray[np.floating]:
    """Share of what is taken away, by how likely it is speech, that had better stay; both of any shape."""
    return np.clip((speech - NOISE) / (VOICES - NOISE), 0, 1)
