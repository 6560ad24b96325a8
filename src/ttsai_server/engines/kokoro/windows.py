"""Windows of frames that are decoded one after another, so that sound can be heard before a whole step is decoded.

Prosody is made for the whole step, so pitch and pace in a window are those of the whole. What differs is the decoder's
norms (AdaIN), which are taken over time: a second of speech decoded alone is up to 2 dB too soft. So a window is
decoded together with frames from later on, chosen so that all that is decoded is most like the whole step, and its
norms count silence until it is as loud on average: mostly within .5 dB of the step decoded at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
GRIDS = {0: 8, 128: 16}
"""Frames from which on → what the decoder's frames are a multiple of. For each number of them it prepares kernels."""
AT_ONCE = 104
"""A step of at most so many frames is decoded at once: its first window would hardly come sooner."""
FIRST = 48
"""Most frames of the first window, 1.2 s of sound; each next one may be twice as long, decoded while it plays."""
OVERLAP = 8
"""Frames decoded beyond either end of a window: what the decoder sees around a frame, but for its norms."""
COMPANY = 24
"""How many frames more than the longest that it may be a window is decoded with; the last has enough of its own."""
LAST = 96
"""Least frames that the last window is decoded with: the end of a step, soft and half silent, is too loud by itself."""
SILENCE = 4
"""Frames from the start of the step that every window starts with: of them, the decoder's norms learn silence."""


@dataclass(frozen=True, slots=True)
class Window:
    """One run of the decoder."""

    begin: int
    end: int
    """The frames of the step that it is for. The last is the next window's first, where one fades into the other."""
    given: NDArray[np.intp]
    """The frames that are decoded; a negative one is a copy of the step's first."""
    skip: int
    """How many of `given` come before `begin`."""
    silence: float
    """Share of silence that the norms count in addition to what is given."""
    last: bool
    """Whether it ends the step."""


def windows(asr: Floats, energy: Floats, begin: int, end: int) -> list[Window]:
    """Windows that cover the frames [begin, end), at least two; none where so little is as soon decoded at once.

    Args:
        asr: (1, 512, t), phonemes as the decoder takes them, t frames.
        energy: (1, 2 t), the logarithm of the power.
        begin: the first frame to be heard; negative where the step's first one is to be repeated before it.
        end: the frame after the last to be heard.
    """
    if end - begin <= AT_ONCE:
        return []
    loudness = np.exp(energy.reshape(-1, 2).mean(axis=1) / 2)
    planner = _Planner(_features(asr[0], loudness), loudness, begin, end)
    found: list[Window] = []
    at, longest = begin, FIRST
    while end - at + OVERLAP + SILENCE > 2 * longest:  # else the next window may as well be the last
        found.append(planner.window(at, longest))
        at, longest = found[-1].end - 1, 2 * longest
    return [*found, planner.last(at)]


def on_grid(least: int) -> int:
    """The smallest number of frames that is at least `least` and as GRIDS ask for."""
    step = GRIDS[max(bound for bound in GRIDS if bound <= least)]
    return -(-least // step) * step


class _Planner:
    def __init__(self, features: Floats, loudness: Floats, begin: int, end: int) -> None:
        self._features, self._loudness = features, loudness
        self._begin, self._end = begin, end

    def window(self, at: int, longest: int) -> Window:
        """One that begins at `at` and ends, after at most `longest` frames, at the quietest of the last third."""
        from_ = at + 2 * longest // 3
        end = from_ + int(np.argmin(self._loudness[from_ : at + longest])) + 1
        own = self._own(at - OVERLAP, end + OVERLAP)
        count = on_grid(longest + COMPANY)
        return self._made(at, end, np.concatenate([own, self._company(own, count - len(own))]))

    def last(self, at: int) -> Window:
        """What is left from `at` on."""
        count = on_grid(max(LAST, self._end - at + OVERLAP + SILENCE))
        return self._made(at, self._end, self._own(self._end - count + SILENCE, self._end))

    def _own(self, begin: int, end: int) -> NDArray[np.intp]:
        """The frames [begin, end), after those of the silence at the start unless they begin there themselves."""
        if begin <= self._begin:
            return np.arange(self._begin, end)
        return np.concatenate([np.arange(self._begin, self._begin + SILENCE), np.arange(begin, end)])

    def _company(self, own: NDArray[np.intp], count: int) -> NDArray[np.intp]:
        """The `count` frames in a row after `own` that, together with it, have a mean nearest to that of all."""
        sums = np.cumsum(np.pad(self._features, ((0, 0), (1, 0))), axis=1)
        starts = np.arange(own[-1] + 1, self._end - count + 1)
        runs = sums[:, starts + count] - sums[:, starts] + self._features[:, own.clip(0)].sum(axis=1, keepdims=True)
        start = starts[np.argmin(np.linalg.norm(runs, axis=0))]
        return np.arange(start, start + count)

    def _made(self, begin: int, end: int, given: NDArray[np.intp]) -> Window:
        skip = int(np.flatnonzero(given == begin)[-1])
        return Window(begin, end, given, skip, self._silence(given), last=end == self._end)

    def _silence(self, given: NDArray[np.intp]) -> float:
        """How much silence makes what is given as loud on average as the whole step; none where it is softer."""
        mean, whole = self._loudness[given.clip(0)].mean(), self._loudness.mean()
        return max(0.0, float(1 - whole / mean))


def _features(asr: Floats, loudness: Floats) -> Floats:
    """(channels, t): what the decoder is told of each frame, of mean 0 and variance 1, as much loudness as phoneme."""
    every = np.vstack([asr, loudness])
    every = (every - every.mean(axis=1, keepdims=True)) / (every.std(axis=1, keepdims=True) + 1e-6)
    return every * np.append(np.full(len(asr), len(asr) ** -0.5), 1.0)[:, None].astype(np.float32)
