"""The tempo to a fraction of a percent: a line through the times of the beats."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ttsai_server.engines.music.features import ONSETS_PER_SECOND, Floats

Track = Callable[[Floats, float], Floats]
"""(onsets (frames,), beats a minute) → frames of the beats: librosa's tracker (Ellis 2007)."""
RUN = 64
"""Beats that a line is fitted through."""
FEWEST = 6
"""Beats that a line needs."""
STRAY = 0.1
"""A beat that is off the line by more than this share of a period is left out."""


def beats_per_minute(onsets: Floats, period: float, track: Track) -> float:
    """The median of the tempi of all runs of beats; by the period, in seconds, where too few beats are found."""
    frames = track(onsets, 60 / period)
    runs = [frames[start : start + RUN] for start in range(0, max(1, len(frames) - RUN // 2), RUN)]
    found = [60 / _slope(run / ONSETS_PER_SECOND, period) for run in runs if len(run) >= FEWEST]
    return float(np.median(found)) if found else 60 / period


def _slope(times: Floats, period: float) -> float:
    """Seconds from beat to beat, by least squares; a beat that was missed or is astray does not bend the line."""
    numbers = np.cumsum(np.round(np.diff(times, prepend=times[0]) / period))
    slope, start = np.polyfit(numbers, times, 1)
    kept = np.abs(times - start - slope * numbers) < STRAY * period
    if np.sum(kept) >= FEWEST:
        slope = np.polyfit(numbers[kept], times[kept], 1)[0]
    return float(slope)
