"""Which period is the beat, and how many beats make a bar: weighed together, as each shows in the other.

A piece at 70 beats a minute with chords that change every four, or at 140 with a change every eight? Every pair of a
period and a bar is a hypothesis. It is told by how like themselves the bass, the middle, the treble and the harmony are
after half a beat, a beat, two, a bar and two bars of it, and after a bar of the other length; a log-linear model weighs
that. Its weights are those that make the right hypothesis the likeliest (conditional logistic regression) in made-up
pieces (seeds 2000 to 2239 of the tests' generator) and in synthesised chorales, quartets and fiddle tunes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ttsai_server.engines.music.pulse import COMB, about, after, periods
from ttsai_server.engines.music.spectrum import Floats

HARMONY = 0.2
"""How much a harmony that changes regularly counts for a pulse, to onsets."""
MIDDLE = 110.0
"""Beats a minute that speeds are measured from."""
WEIGHTS = (
    3.24, -1.87, -1.33,
    -2.05, 7.12, 3.46, 2.51, 2.63, 3.23,
    1.60, 2.52, 1.42, 1.46, 1.49, 1.09,
    0.18, 1.48, 4.08, 0.71, 2.91, 0.39,
    1.43, 1.88, -0.71, 1.91, 5.19, -1.45,
    1.14,
)  # fmt: skip
"""Of what `described` says, in its order: the speed; bass, middle, treble and harmony; the comb."""


@dataclass(frozen=True, slots=True)
class Pulse:
    period: float
    """Seconds from beat to beat, within 1 %."""
    beats: int
    """Of a bar: 3 or 4."""
    tempo_probability: float
    metre_probability: float
    likeness: float
    """Of the onsets to those a beat, two beats, a bar and two bars before, on average: 1 is a machine's."""
    harmony: float
    """The same of the changes of harmony, after a bar and two."""
    beat: float
    """The onsets' after a beat or two, whichever is more."""

    @property
    def regularity(self) -> float:
        """How much there is to the pulse, 0 to 1."""
        together = self.likeness + HARMONY * max(0.0, self.harmony)
        return self.tempo_probability * max(0.0, min(together, 2 * self.beat + HARMONY * self.harmony))


def find_pulse(alike: Mapping[str, Floats]) -> Pulse | None:
    """The likeliest beat and bar, from likenesses as `pulse` gives them; None if nothing ever comes back."""
    hypotheses = [(float(period), beats) for period in periods(alike["all"]) for beats in (3, 4)]
    if not hypotheses:
        return None
    scores = np.array([described(alike, *hypothesis) @ WEIGHTS for hypothesis in hypotheses])
    chances = np.exp(scores - scores.max()) / np.sum(np.exp(scores - scores.max()))
    period, beats = hypotheses[int(np.argmax(scores))]
    tempo, metre = (
        float(sum(c for c, hypothesis in zip(chances, hypotheses, strict=True) if hypothesis[place] == value))
        for place, value in ((0, period), (1, beats))
    )
    back = about(alike["all"], period * np.array([1, 2, beats, 2 * beats]))
    bars = about(alike["harmony"], period * np.array([beats, 2 * beats]))
    return Pulse(period, beats, tempo, metre, float(np.mean(back)), float(np.mean(bars)), float(np.max(back[:2])))


def described(alike: Mapping[str, Floats], period: float, beats: int) -> Floats:
    """(28,): the speed in octaves from MIDDLE, its square, whether it is three to a bar, and the likenesses."""
    octaves = np.log2(60 / period / MIDDLE)
    times = period * np.array([0.5, 1, 2, beats, 2 * beats, 7 - beats])
    bands = [about(alike[name], times) for name in ("bass", "middle", "treble", "harmony")]
    comb = sum(weight * after(alike["all"], count * period) for count, weight in COMB)
    return np.concatenate([[octaves, octaves**2, beats == 3], *bands, [comb]])
