"""The key, from how strong each pitch class is, and the tuning that they are in."""

from dataclasses import dataclass

import numpy as np

from ttsai_server.engines.music.features import STEPS, Features
from ttsai_server.engines.music.spectrum import Floats

MAJOR = (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081)
MINOR = (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052)
"""How often each degree is heard, by Albrecht and Shanahan (2013); of four published profiles the most often right."""
FIFTH, THIRD = 0.3, 0.1
"""Share of a note's strength that its third and fifth harmonics add to the pitch classes a fifth and a third above."""
WIDTH = 0.25
"""How far from its pitch class a peak may lie and still count in full, half tones (a standard deviation)."""
AUDIBLE = 0.2
"""Share of the strongest pitch class that one needs to count."""
SHARPNESS = 12.0
"""Turns likenesses to profiles into probabilities, cautiously: of .5 and more, all unseen pieces are right."""


@dataclass(frozen=True, slots=True)
class Key:
    tonic: int
    """0 is C."""
    minor: bool
    likeness: float
    """Correlation of the pitch classes with the key's profile, -1 to 1."""
    probability: float


def tuning(features: Features) -> tuple[float, float]:
    """Cents above A4 = 440 Hz, -50 to 50; and how well the pitches keep to half tones, 0 to 1: speech and noise do not.

    The peaks' places in their half tones are averaged as angles.
    """
    mean = np.sum(features.tuning) / max(1e-9, features.weight)
    return float(np.angle(mean) / (2 * np.pi) * 100), float(abs(mean))


def notes(features: Features, cents: float) -> int:
    """How many pitch classes are in tune; what glides, and what a hum leaves to the others, is in none."""
    pull = np.real(features.tuning * np.exp(-2j * np.pi * cents / 100))
    classes = pull @ _folding(cents)
    return int(np.sum(classes > AUDIBLE * np.max(classes)))


def chroma(features: Features, cents: float) -> Floats:
    """float (12, frames): how strong each pitch class is, from C up, with the tuning and overtones taken out."""
    bass, upper = np.einsum("vst,sp->vpt", features.pitches.astype(np.float32), _folding(cents))
    heard = np.eye(12)
    overtones = np.linalg.inv(heard + FIFTH * np.roll(heard, 7, axis=0) + THIRD * np.roll(heard, 4, axis=0))
    return np.sqrt(bass) + np.sqrt(np.maximum(0, overtones @ upper))


def _folding(cents: float) -> Floats:
    """(STEPS, 12): how much each step counts for each pitch class, from C up."""
    places = np.arange(STEPS) * 12 / STEPS - cents / 100 + 9  # step 0 is A
    distances = (places[:, None] - np.arange(12) + 6) % 12 - 6
    return np.exp(-0.5 * (distances / WIDTH) ** 2)


def find_key(pitches: Floats) -> Key:
    """The likeliest key of pitch classes (12, frames), whose profile they are most like (Krumhansl 1990)."""
    total = pitches.sum(axis=1)
    keys = [(tonic, minor) for minor in (False, True) for tonic in range(12)]
    profiles = np.array([np.roll(MINOR if minor else MAJOR, tonic) for tonic, minor in keys])
    centred = profiles - profiles.mean(axis=1, keepdims=True)
    around = total - total.mean()
    likeness = centred @ around / (np.linalg.norm(centred, axis=1) * np.linalg.norm(around) + 1e-9)
    best = int(np.argmax(likeness))
    probability = 1 / float(np.sum(np.exp(SHARPNESS * (likeness - likeness[best]))))
    return Key(*keys[best], float(likeness[best]), probability)


def sameness(pitches: Floats, apart: int) -> float:
    """How alike pitch classes (12, frames) are so many frames apart, 0 to 1; 1 is one sound throughout."""
    if pitches.shape[1] <= apart:
        return 0.0
    scaled = pitches / np.maximum(1e-9, np.linalg.norm(pitches, axis=0))
    return float(np.mean(np.sum(scaled[:, apart:] * scaled[:, :-apart], axis=0)))
