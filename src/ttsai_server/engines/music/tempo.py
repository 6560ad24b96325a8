"""The tempo to a fraction of a percent: a line through the times of the beats."""

import numpy as np

from ttsai_server.engines.music.features import ONSETS_PER_SECOND
from ttsai_server.engines.music.spectrum import Floats

RUN = 24.0
"""Seconds of beats that a line is fitted through."""
FEWEST = 6
"""Beats that a line needs."""
SPREAD = np.linspace(0.994, 1.006, 25)
"""Periods that are tried, as shares of the one that is known, which is right to .5 %."""
PHASES = 24
"""Places in a period at which the first beat may be."""
REACH = 0.12
"""How far from its place a beat is looked for, as a share of a period."""


def beats_per_minute(onsets: Floats, period: float) -> float:
    """The median of the tempi of all stretches of onsets (frames,), near a beat of so many seconds."""
    size = round(RUN * ONSETS_PER_SECOND)
    parts = [onsets[start : start + size] for start in range(0, max(1, len(onsets) - size // 2), size)]
    found = [_period(part, period * ONSETS_PER_SECOND) for part in parts]
    return float(60 * ONSETS_PER_SECOND / np.median(found))


def _period(onsets: Floats, period: float) -> float:
    """Frames from beat to beat: of the line through the loudest onsets next to the best even grid."""
    start, step = _grid(onsets, period)
    numbers = np.arange(int((len(onsets) - 1 - start) / step) + 1)
    times = np.array([_nearby(onsets, start + step * number, REACH * step) for number in numbers])
    weights = np.maximum(0, np.interp(times, np.arange(len(onsets)), onsets))
    if np.count_nonzero(weights) < FEWEST:
        return step
    return float(np.polyfit(numbers, times, 1, w=np.sqrt(weights))[0])


def _grid(onsets: Floats, period: float) -> tuple[float, float]:
    """First beat and distance, in frames, of the grid on which onsets are loudest on average."""
    best = (-np.inf, 0.0, period)
    for step in period * SPREAD:
        starts = step * np.arange(PHASES) / PHASES
        places = starts[:, None] + step * np.arange(max(1, int(len(onsets) / step) - 1))
        loudness = np.mean(np.interp(places, np.arange(len(onsets)), onsets), axis=1)
        best = max(best, (float(np.max(loudness)), float(starts[np.argmax(loudness)]), float(step)))
    return best[1:]


def _nearby(onsets: Floats, place: float, reach: float) -> float:
    """Where onsets are loudest within reach of a place, frames, by a parabola's top."""
    first = max(1, round(place - reach))
    window = onsets[first : max(first + 1, min(len(onsets) - 1, round(place + reach) + 1))]
    if not len(window):
        return place
    top = first + int(np.argmax(window))
    left, here, right = onsets[top - 1 : top + 2]
    bend = left - 2 * here + right
    return top + (0.5 * (left - right) / bend if bend < 0 and here >= max(left, right) else 0.0)
