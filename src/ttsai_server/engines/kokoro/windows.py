"""Splits a chunk into windows of frames that are decoded one after another, so that its first sound is ready sooner.

Prosody is computed for the whole chunk, so pitch and pace in a window are unchanged. But the decoder's norms (AdaIN)
are computed over time: a second of speech decoded alone is up to 2 dB too soft. So a window is decoded together with
later frames, chosen so that the statistics of all decoded frames are closest to those of the whole chunk, and its
norms include extra silence until the average loudness matches: mostly within .5 dB of the chunk decoded at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
GRIDS = {0: 8, 128: 16}
"""From this many frames on → the decoder's input is a multiple of this. OpenVINO prepares kernels for each length."""
AT_ONCE = 104
"""A chunk of at most this many frames is decoded at once: its first window would hardly be ready sooner."""
FIRST = 48
"""Most frames of the first window, 1.2 s of sound; each next one may be twice as long, decoded while this plays."""
OVERLAP = 8
"""Frames decoded beyond either end of a window: the decoder's receptive field, apart from its norms."""
CONTEXT = 24
"""Frames decoded with a window in addition to its greatest length; the last window has enough frames of its own."""
LAST = 96
"""Least frames decoded for the last window: the end of a chunk, soft and half silent, decoded alone is too loud."""
SILENCE = 4
"""Frames from the start of the chunk that precede every window, to show the decoder's norms what silence is."""


@dataclass(frozen=True, slots=True)
class Window:
    """One run of the decoder."""

    begin: int
    end: int
    """It produces the frames [begin, end) of the chunk. Its last is also the next window's first, to cross-fade."""
    given: NDArray[np.intp]
    """Indices of the frames that are decoded; a negative one repeats the chunk's first frame."""
    skip: int
    """How many of `given` precede `begin`."""
    silence: float
    """Share of silence, 0 to 1, that the norms include in addition to `given`."""
    last: bool
    """Whether it ends the chunk."""


def windows(asr: Floats, energy: Floats, begin: int, end: int) -> list[Window]:
    """At least two windows that cover the frames [begin, end); none if they are so few that they are decoded at once.

    Args:
        asr: (1, 512, t), the decoder's phoneme features for t frames.
        energy: (1, 2 t), logarithm of the power.
        begin: the first frame; negative to repeat the chunk's first frame that many times.
        end: the frame after the last one.
    """
    if end - begin <= AT_ONCE:
        return []
    loudness = np.exp(energy.reshape(-1, 2).mean(axis=1) / 2)
    planner = _Planner(_features(asr[0], loudness), loudness, begin, end)
    found: list[Window] = []
    at, longest = begin, FIRST
    while end - at + OVERLAP + SILENCE > 2 * longest:  # else the rest fits into the last window
        found.append(planner.window(at, longest))
        at, longest = found[-1].end - 1, 2 * longest
    return [*found, planner.last(at)]


def on_grid(least: int) -> int:
    """`least`, rounded up to a number of frames allowed by GRIDS."""
    step = GRIDS[max(bound for bound in GRIDS if bound <= least)]
    return -(-least // step) * step


class _Planner:
    def __init__(self, features: Floats, loudness: Floats, begin: int, end: int) -> None:
        self._features, self._loudness = features, loudness
        self._begin, self._end = begin, end

    def window(self, at: int, longest: int) -> Window:
        """A window from `at` on of at most `longest` frames, which ends at the quietest frame of its last third."""
        from_ = at + 2 * longest // 3
        end = from_ + int(np.argmin(self._loudness[from_ : at + longest])) + 1
        own = self._own(at - OVERLAP, end + OVERLAP)
        count = on_grid(longest + CONTEXT)
        return self._window(at, end, np.concatenate([own, self._context(own, count - len(own))]))

    def last(self, at: int) -> Window:
        """The last window, from `at` on."""
        count = on_grid(max(LAST, self._end - at + OVERLAP + SILENCE))
        return self._window(at, self._end, self._own(self._end - count + SILENCE, self._end))

    def _own(self, begin: int, end: int) -> NDArray[np.intp]:
        """The initial silence, then the frames [begin, end); only the latter, from the start, if they overlap it."""
        if begin <= self._begin:
            return np.arange(self._begin, end)
        return np.concatenate([np.arange(self._begin, self._begin + SILENCE), np.arange(begin, end)])

    def _context(self, own: NDArray[np.intp], count: int) -> NDArray[np.intp]:
        """The `count` consecutive frames after `own` that bring the mean features closest to those of the chunk."""
        sums = np.cumsum(np.pad(self._features, ((0, 0), (1, 0))), axis=1)
        starts = np.arange(own[-1] + 1, self._end - count + 1)
        runs = sums[:, starts + count] - sums[:, starts] + self._features[:, own.clip(0)].sum(axis=1, keepdims=True)
        start = starts[np.argmin(np.linalg.norm(runs, axis=0))]
        return np.arange(start, start + count)

    def _window(self, begin: int, end: int, given: NDArray[np.intp]) -> Window:
        skip = int(np.flatnonzero(given == begin)[-1])
        return Window(begin, end, given, skip, self._silence(given), last=end == self._end)

    def _silence(self, given: NDArray[np.intp]) -> float:
        """Share of silence to add to `given` to make it as loud on average as the chunk; 0 if it is softer."""
        mean, whole = self._loudness[given.clip(0)].mean(), self._loudness.mean()
        return max(0.0, float(1 - whole / mean))


def _features(asr: Floats, loudness: Floats) -> Floats:
    """(channels, t): the decoder's input per frame, mean 0, variance 1; loudness weighs as much as all phoneme
    features together."""
    features = np.vstack([asr, loudness])
    features = (features - features.mean(axis=1, keepdims=True)) / (features.std(axis=1, keepdims=True) + 1e-6)
    return features * np.append(np.full(len(asr), len(asr) ** -0.5), 1.0)[:, None].astype(np.float32)
