"""Which period is the beat, and what a bar is of: weighed together, as each shows in the other.

A piece at 70 beats a minute with chords that change every four, or at 140 with a change every eight? Every pair of a
period and a metre is a hypothesis. It is told by how like themselves the onsets, the long notes and the harmony are
after parts of a beat, some beats, bars and phrases; a log-linear model weighs that (`weights`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ttsai_server.engines.music.pulse import about, periods
from ttsai_server.engines.music.spectrum import Floats
from ttsai_server.engines.music.weights import BEATS, METRE, METRE_RIGHT, TEMPO_RIGHT, calibrated

MIDDLE = 100.0
"""Beats a minute that speeds are measured from."""
CURVES = ("bass", "middle", "treble", "harmony", "accents", "notes", "all")
"""Of `pulse.likenesses`, in the order of the weights."""
ONE_TEMPO = 0.03
"""Periods within this share of each other are one tempo."""
STEADY = (np.array([1, 2, 4, 8]), np.array([1, 2, 3, 6]))
"""Beats after which music with a regular beat has onsets again: in two or four, and in three."""
CANDIDATES, UNLIKELY = 4, 0.02
"""How many tempi are told at most, and how likely a further one must be."""
BARS = {"2/4": 2, "3/4": 3, "4/4": 4, "6/8": 2}
"""Metre → beats of a bar."""


@dataclass(frozen=True, slots=True)
class Pulse:
    period: float
    """Seconds from beat to beat, within 1 %."""
    metre: str
    """One of BARS."""
    tempi: tuple[tuple[float, float], ...]
    """(period, probability) of this and other tempi, likeliest first."""
    metre_probability: float
    likeness: float
    """Of the onsets to those some beats before, on average, by the steadiest beat there is: 1 is a machine's."""

    @property
    def regularity(self) -> float:
        """How much there is to the pulse, 0 to 1: less where several tempi are as likely."""
        return self.likeness * self.tempi[0][1] ** 0.5

    @property
    def bar(self) -> float:
        """Seconds."""
        return BARS[self.metre] * self.period


def find_pulse(alike: Mapping[str, Floats]) -> Pulse | None:
    """The likeliest beat and bar, from likenesses as `pulse` gives them; None if nothing ever comes back."""
    seconds = periods(alike["all"])
    if not len(seconds):
        return None
    scores = described(alike, seconds) @ np.array([METRE[metre] for metre in BARS]).T
    chances = np.exp(scores - scores.max())
    chances /= np.sum(chances)
    row, column = np.unravel_index(np.argmax(chances), chances.shape)
    period, metre = float(seconds[row]), list(BARS)[column]
    return Pulse(
        period,
        metre,
        _tempi(seconds, np.sum(chances, axis=1), int(row)),
        calibrated(float(np.sum(chances[:, column])), METRE_RIGHT),
        max(float(np.max(np.mean(about(alike["all"], seconds[:, None] * beats), axis=1))) for beats in STEADY),
    )


def described(alike: Mapping[str, Floats], seconds: Floats) -> Floats:
    """(periods, features): 1, the speed in octaves from MIDDLE, its square, and likenesses after multiples of it."""
    octaves = np.log2(60 / seconds / MIDDLE)
    times = seconds[:, None] * np.array(BEATS)
    return np.column_stack(
        [np.ones_like(octaves), octaves, octaves**2, *(about(alike[name], times) for name in CURVES)]
    )


def _tempi(seconds: Floats, chances: Floats, best: int) -> tuple[tuple[float, float], ...]:
    """Calibrated; what the first leaves is shared among the others."""
    left, found = dict(enumerate(chances)), list[tuple[float, float]]()
    while left and len(found) < CANDIDATES:
        top = best if not found else max(left, key=lambda row: left[row])
        same = [row for row in left if abs(np.log(seconds[row] / seconds[top])) < ONE_TEMPO]
        found.append((float(seconds[top]), sum(float(left.pop(row)) for row in same)))
    (period, chance), *others = found
    sure = calibrated(chance, TEMPO_RIGHT)
    share = (1 - sure) / max(1e-9, 1 - chance)
    return ((period, sure), *((other, chance * share) for other, chance in others if chance * share >= UNLIKELY))
