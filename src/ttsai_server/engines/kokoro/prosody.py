"""How a speaker speaks: pitch, its range, syllables a second; and the blend of stock voices that comes nearest."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.pitch import HOP, track

Array = NDArray[np.float64]
SCALES = np.array([0.03, 0.06, 1.5])
"""Differences that count alike: half a semitone of pitch, a semitone of range, 1.5 syllables a second."""
WHOLE = 10.0
"""Weight of the condition that a blend's weights sum to 1."""
SPREAD = 0.1
"""Weight of the condition that many voices share a blend: more voices, fewer quirks of any."""
OCTAVE = 0.65
"""Natural logarithm of the farthest that a pitch may be from the median: beyond it was mistaken by an octave."""
SMOOTH, APART = 0.03, 0.1
"""Seconds on either side that a level is averaged over, and in which a syllable is the loudest."""
RISE = 0.2
"""Nepers that a syllable is louder than the dips on both of its sides (2 dB)."""
HEARD = 1.2
"""How many more syllables the level that the model predicts shows than that of its sound."""
SOFTEST = 2.9
"""Nepers below the median level of voiced speech (25 dB): what is softer is a pause."""


@dataclass(frozen=True, slots=True)
class Prosody:
    pitch: float
    """Mean of the logarithm of the pitch in Hz."""
    spread: float
    """Its standard deviation."""
    rate: float
    """Syllables a second, pauses left out."""

    @classmethod
    def heard(cls, samples: NDArray[np.float32], rate: int) -> Prosody | None:
        """Of (n,) samples at `rate` Hz; None if nothing has a pitch."""
        pitch = track(samples, rate)
        hop = round(HOP * rate)
        padded = np.pad(samples.astype(np.float64), (hop, 2 * hop))
        power = np.lib.stride_tricks.sliding_window_view(padded**2, 2 * hop)[::hop][: len(pitch)].mean(axis=1)
        found = cls.of(pitch, np.log(power + 1e-10) / 2, HOP)
        return found and replace(found, rate=HEARD * found.rate)

    @classmethod
    def of(cls, pitch: Array, level: Array, hop: float) -> Prosody | None:
        """pitch: Hz, 0 where there is none; level: natural logarithm of the amplitude; both every `hop` seconds."""
        voiced = pitch > 0
        if np.sum(voiced) < 1 / hop:
            return None
        logs = np.log(pitch[voiced])
        logs = logs[np.abs(logs - np.median(logs)) < OCTAVE]
        return cls(float(np.mean(logs)), float(np.std(logs)), _syllables(level, voiced, hop))

    @property
    def vector(self) -> Array:
        return np.array([self.pitch, self.spread, self.rate])


def blend(wanted: Prosody, voices: Array) -> Array:
    """Weights of the voices, (n,), >= 0 and of sum 1, whose mean prosody is nearest. voices: (n, 3), their `vector`s.

    By non-negative least squares. The pitch of a blend is within 3 % of the voices' geometric mean, so measured.
    """
    count = len(voices)
    rows = np.vstack([(voices / SCALES).T, np.full((1, count), WHOLE), SPREAD * np.sqrt(count) * np.eye(count)])
    values = np.concatenate([wanted.vector / SCALES, [WHOLE], np.zeros(count)])
    weights = least_squares(rows, values)
    return weights / weights.sum()


def least_squares(rows: Array, values: Array) -> Array:
    """The x >= 0 that minimises |rows @ x - values|, by Lawson and Hanson 1974. rows: (m, n), of full column rank."""
    gram, wanted = rows.T @ rows, rows.T @ values
    x, free = np.zeros(len(gram)), np.zeros(len(gram), np.bool_)
    while np.max(slope := np.where(free, 0, wanted - gram @ x)) > 1e-9:
        free[np.argmax(slope)] = True
        while np.min(best := _solved(gram, wanted, free)) < 0:
            crossing = free & (best < 0)
            x = np.maximum(x + np.min(x[crossing] / (x[crossing] - best[crossing])) * (best - x), 0)
            free &= x > 1e-12
        x = best
    return x


def _solved(gram: Array, wanted: Array, free: NDArray[np.bool_]) -> Array:
    """The minimum over the free unknowns, the others 0."""
    x = np.zeros(len(gram))
    x[free] = np.linalg.solve(gram[np.ix_(free, free)], wanted[free])
    return x


def _syllables(level: Array, voiced: NDArray[np.bool_], hop: float) -> float:
    """Voiced peaks of the level a second of speech, as de Jong and Wempe 2009 find syllables."""
    wide, reach = 2 * round(SMOOTH / hop) + 1, round(APART / hop)
    smooth = np.convolve(np.pad(level, wide // 2, mode="edge"), np.full(wide, 1 / wide), "valid")
    around = np.lib.stride_tricks.sliding_window_view(np.pad(smooth, reach, mode="edge"), 2 * reach + 1)
    dip = np.maximum(around[:, :reach].min(axis=1), around[:, reach + 1 :].min(axis=1))
    peaks = voiced & (smooth == around.max(axis=1)) & (smooth > dip + RISE)
    spoken = smooth > np.median(smooth[voiced]) - SOFTEST
    return float(np.sum(peaks) / (hop * max(1, np.sum(spoken))))
