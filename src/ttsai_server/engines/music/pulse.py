"""What comes back regularly in a recording: onsets, long notes and harmonies, compared with what they are later."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ttsai_server.engines.music.features import ONSETS_PER_SECOND, PITCHES_PER_SECOND, Features
from ttsai_server.engines.music.spectrum import Floats

ONSETS = ("bass", "middle", "treble")
"""Bands, as features.BANDS."""
LONGEST = 20.0
"""Seconds that things are compared over: a phrase, as tunes repeat in four or eight bars."""
STRETCH = 40.0
"""Seconds in which a tempo is taken as steady; stretches overlap by half."""
LOUDEST = 10.0
"""A rise is counted up to so many times the mean one."""
SLOWEST, FASTEST = 57.0, 200.0
"""Beats a minute."""
COMB = ((1, 1.0), (2, 1.0), (3, 0.7), (4, 1.0), (6, 0.5), (8, 0.5))
"""Beats, and how much it counts that things come back after so many."""
MOST = 12
"""Periods that are looked at closely."""
SPAN = 3
"""Pitch frames (.28 s) before and after a moment whose harmonies are compared."""
CLOSEST, LONG_NOTE = 0.09, 2.0
"""Seconds: onsets nearer than this to a louder one are part of it; a note counts as at most so long."""


def envelopes(features: Features, pitches: Floats) -> dict[str, Floats]:
    """`bass`, `middle`, `treble`: onsets; `all` of them; `accents`: those of long notes; `harmony`: how it changes.

    Each is (frames,) at ONSETS_PER_SECOND, but for `all` of variance 1. pitches: (12, frames).
    """
    found = {name: _onsets(rises) for name, rises in zip(ONSETS, features.onsets, strict=True)}
    together = np.sum(list(found.values()), axis=0)
    times = np.arange(features.onsets.shape[1]) / ONSETS_PER_SECOND
    changes = np.interp(times, np.arange(pitches.shape[1]) / PITCHES_PER_SECOND, _changes(pitches))
    return {**found, "all": together, "accents": _level(_accents(together), 3.0), "harmony": _level(changes, 3.0)}


def likenesses(curves: Mapping[str, Floats], pitches: Floats) -> dict[str, Floats]:
    """How like itself each envelope is after a while, see `likeness`, and how like themselves the `notes` are."""
    return {**{name: likeness(curve) for name, curve in curves.items()}, "notes": _likeness_of_notes(pitches)}


def likeness(curve: Floats) -> Floats:
    """(n,): correlation of a curve with itself n frames later, from 1 at 0 up to LONGEST; averaged over stretches."""
    size, lags = round(STRETCH * ONSETS_PER_SECOND), round(LONGEST * ONSETS_PER_SECOND) + 2
    total, count = np.zeros(lags), np.zeros(lags)
    for start in range(0, max(1, len(curve) - size // 2), size // 2):
        part = curve[start : start + size]
        length = 1 << (2 * len(part) - 1).bit_length()
        reach = min(lags, len(part))
        total[:reach] += np.fft.irfft(np.abs(np.fft.rfft(part, length)) ** 2, length)[:reach]
        count[:reach] += len(part) - np.arange(reach)
    mean = np.where(count > 4 * ONSETS_PER_SECOND, total / np.maximum(1, count), 0)
    return mean / max(1e-9, mean[0])


def _likeness_of_notes(pitches: Floats) -> Floats:
    """The same of pitch classes (12, frames): how alike they are, less their mean."""
    around = pitches - pitches.mean(axis=1, keepdims=True)
    frames, lags = pitches.shape[1], min(pitches.shape[1], round(LONGEST * PITCHES_PER_SECOND) + 2)
    length = 1 << (2 * frames - 1).bit_length()
    total = np.fft.irfft(np.sum(np.abs(np.fft.rfft(around, length, axis=1)) ** 2, axis=0), length)[:lags]
    count = frames - np.arange(lags)
    mean = np.where(count > 4 * PITCHES_PER_SECOND, total / count, 0)
    times = np.arange(round(LONGEST * ONSETS_PER_SECOND) + 2) / ONSETS_PER_SECOND
    return np.interp(times, np.arange(lags) / PITCHES_PER_SECOND, mean / max(1e-9, mean[0]), right=0)


def after(likeness: Floats, seconds: Floats | float) -> Floats:
    """A likeness after so many seconds; 0 beyond its end."""
    return np.interp(np.asarray(seconds) * ONSETS_PER_SECOND, np.arange(len(likeness)), likeness, right=0)


def about(likeness: Floats, seconds: Floats) -> Floats:
    """The best likeness within 1 % of each of the times."""
    return np.max([after(likeness, seconds * shift) for shift in (0.99, 0.995, 1, 1.005, 1.01)], axis=0)


def periods(onsets: Floats) -> Floats:
    """Seconds that a beat may take, likeliest first: after so long, and multiples of it, onsets come back."""
    seconds = np.exp(np.arange(np.log(60 / FASTEST), np.log(60 / SLOWEST), 0.002))
    comb = np.sum([weight * after(onsets, beats * seconds) for beats, weight in COMB], axis=0)
    tops = np.flatnonzero((comb[1:-1] > comb[:-2]) & (comb[1:-1] >= comb[2:])) + 1
    return seconds[tops[np.argsort(-comb[tops])][:MOST]]


def _onsets(rises: Floats) -> Floats:
    smooth = _averaged(rises, np.exp(-0.5 * (np.arange(-6, 7) / 1.5) ** 2))
    return _level(np.minimum(smooth, LOUDEST * np.mean(smooth)), 1.0)


def note_starts(onsets: Floats) -> NDArray[np.int64]:
    """Frames at which notes begin: the tops of onsets (frames,)."""
    rising = (onsets[1:-1] > onsets[:-2]) & (onsets[1:-1] >= onsets[2:]) & (onsets[1:-1] > 0.5)
    kept: list[int] = []
    for top in np.flatnonzero(rising) + 1:
        if not kept or top - kept[-1] >= CLOSEST * ONSETS_PER_SECOND:
            kept.append(int(top))
        elif onsets[top] > onsets[kept[-1]]:
            kept[-1] = int(top)
    return np.array(kept, np.int64)


def _accents(onsets: Floats) -> Floats:
    """(frames,): the onsets, each as high as the time until the next is long: long notes begin on strong beats."""
    kept, accents = note_starts(onsets), np.zeros(len(onsets))
    seconds = np.diff([*kept, len(onsets)]) / ONSETS_PER_SECOND
    accents[kept] = np.minimum(seconds, LONG_NOTE) * np.sqrt(np.minimum(onsets[kept], 3))
    return _averaged(accents, np.exp(-0.5 * (np.arange(-8, 9) / 2.5) ** 2))


def _changes(pitches: Floats) -> Floats:
    """(frames,): how unlike the harmony after each moment is to the one before, 0 to 1."""
    size = np.linalg.norm(pitches, axis=0)
    scaled = pitches / (size + 0.1 * np.mean(size) + 1e-9)
    sums = np.cumsum(np.pad(scaled, ((0, 0), (SPAN + 1, SPAN)), mode="edge"), axis=1)
    start, middle, end = (sums[:, shift : shift + pitches.shape[1]] for shift in (0, SPAN, 2 * SPAN))
    before, later = middle - start, end - middle
    sizes = np.linalg.norm(before, axis=0) * np.linalg.norm(later, axis=0)
    return 1 - np.sum(before * later, axis=0) / (sizes + 1e-9)


def _level(curve: Floats, seconds: float) -> Floats:
    """Without its mean of so many seconds around, its variance 1."""
    flat = curve - _averaged(curve, np.ones(round(seconds * ONSETS_PER_SECOND)))
    return flat / (np.std(flat) + 1e-6)


def _averaged(curve: Floats, weights: Floats) -> Floats:
    """Moving average; at the edges, of what is there."""
    counts = np.convolve(np.ones(len(curve)), weights)
    start = (len(weights) - 1) // 2
    return (np.convolve(curve, weights) / counts)[start : start + len(curve)]
