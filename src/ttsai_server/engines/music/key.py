"""The key, from how strong each pitch class is, and the tuning that they are in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttsai_server.engines.music.features import PITCHES_PER_SECOND, STEPS, Features
from ttsai_server.engines.music.spectrum import Floats
from ttsai_server.engines.music.weights import KEY, KEY_RIGHT, MINORS, calibrated

MAJOR = (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081)
MINOR = (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052)
"""How often each degree is heard, by Albrecht and Shanahan (2013): what is like neither is in no key."""
FIFTH, THIRD = 0.3, 0.1
"""Share of a note's strength that its third and fifth harmonics add to the pitch classes a fifth and a third above."""
WIDTH = 0.25
"""How far from its pitch class a peak may lie and still count in full, half tones (a standard deviation)."""
AUDIBLE = 0.2
"""Share of the strongest pitch class that one needs to count."""
PROFILE = 8.0
"""How much the likeness to a profile counts: it is right more often where an excerpt begins or ends away from home."""
BEGINNING, END = 14, 16
"""Frames (1.3 s, 1.5 s) of the first and the last chord."""
LONG = 2.0
"""Seconds: a note counts as at most so long."""
HEARD = 0.1
"""Share of the mean strength from which a frame is part of the music."""


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


def find_key(pitches: Floats, starts: Floats) -> Key:
    """The likeliest key of pitch classes (12, frames), where notes begin at some seconds.

    By how much there is of each degree, and which follows which, as `weights` has it; and by how like its profile they
    are (Krumhansl 1990).
    """
    heard = degrees(pitches, starts)
    rows, likeness = described(heard, successions(pitches, starts)), likenesses(heard[0])
    scores = rows @ np.array([KEY[False], KEY[True]]).T + (0, MINORS) + PROFILE * likeness
    tonic, minor = np.unravel_index(np.argmax(scores), scores.shape)
    probability = 1 / float(np.sum(np.exp(scores - scores[tonic, minor])))
    return Key(int(tonic), bool(minor), float(likeness[tonic, minor]), calibrated(probability, KEY_RIGHT))


def likenesses(heard: Floats) -> Floats:
    """(12, 2): correlation of pitch classes (12,) with the profiles of major and minor keys on each tonic."""
    profiles = np.array([[np.roll(profile, tonic) for profile in (MAJOR, MINOR)] for tonic in range(12)])
    centred, around = profiles - profiles.mean(axis=2, keepdims=True), heard - heard.mean()
    return centred @ around / (np.linalg.norm(centred, axis=2) * np.linalg.norm(around) + 1e-9)


def degrees(pitches: Floats, starts: Floats) -> Floats:
    """(5, 12): pitch classes (12, frames) in all, in the loudest, in the first and in the last chord, and in
    long notes; length 1 each."""
    strength = np.linalg.norm(pitches, axis=0)
    sounding = np.flatnonzero(strength > HEARD * np.mean(strength))
    first, last = (int(sounding[0]), int(sounding[-1]) + 1) if len(sounding) else (0, 1)
    frames = np.diff(_edges(pitches, starts))
    long = pitches * np.repeat(np.minimum(LONG, frames / PITCHES_PER_SECOND) ** 3, frames)
    chords = pitches[:, first : first + BEGINNING], pitches[:, max(first, last - END) : last]
    sums = np.array([part.sum(axis=1) for part in (pitches, pitches**2, *chords, long)])
    return sums / (np.linalg.norm(sums, axis=1, keepdims=True) + 1e-9)


def successions(pitches: Floats, starts: Floats) -> Floats:
    """(12, 12): how often a note of one pitch class is followed by one of another; all together of length 1."""
    edges = _edges(pitches, starts)
    notes = np.add.reduceat(pitches, edges[:-1], axis=1) / np.diff(edges)
    clear = np.maximum(0, notes - notes.mean(axis=0)) ** 1.5
    clear /= np.linalg.norm(clear, axis=0) + 1e-9
    table = clear[:, :-1] @ clear[:, 1:].T
    np.fill_diagonal(table, 0)
    return table / (np.linalg.norm(table) + 1e-9)


def described(heard: Floats, followed: Floats) -> Floats:
    """(12, features): `degrees` and `successions` as seen from each tonic."""
    turned = [(np.roll(heard, -n, axis=1), np.roll(followed, (-n, -n), axis=(0, 1))) for n in range(12)]
    return np.array([np.concatenate(parts).ravel() for parts in turned])


def _edges(pitches: Floats, starts: Floats) -> NDArray[np.int64]:
    """Frames at which notes begin, and the end."""
    inside = np.round(starts * PITCHES_PER_SECOND).astype(np.int64)
    return np.unique([0, *inside[inside < pitches.shape[1]], pitches.shape[1]])


def sameness(pitches: Floats, apart: int) -> float:
    """How alike pitch classes (12, frames) are so many frames apart, 0 to 1; 1 is one sound throughout."""
    if pitches.shape[1] <= apart:
        return 0.0
    scaled = pitches / np.maximum(1e-9, np.linalg.norm(pitches, axis=0))
    return float(np.mean(np.sum(scaled[:, apart:] * scaled[:, :-apart], axis=0)))
