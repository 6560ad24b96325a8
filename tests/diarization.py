"""Diarization error rate (NIST RT-09), on a grid of 10 ms, with the mapping of speakers that is best for it."""

from collections.abc import Iterator, Sequence
from itertools import permutations

import numpy as np

from ttsai_server.domain import Turn

GRID = 100
"""Cells a second."""


def error_rate(truth: Sequence[Turn], found: Sequence[Turn], collar: float = 0.0) -> float:
    """(missed + false alarm + confused) / spoken seconds. collar: seconds around each true edge that don't count."""
    cells = round(GRID * max((turn.end for turn in (*truth, *found)), default=0)) + 1
    counted = np.ones(cells, bool)
    for edge in (edge for turn in truth for edge in (turn.start, turn.end) if collar):
        counted[max(0, round(GRID * (edge - collar))) : round(GRID * (edge + collar))] = False
    true, heard = (_grid(turns, cells)[:, counted] for turns in (truth, found))
    both = true.astype(int) @ heard.T.astype(int)
    both = both if len(both) <= both.shape[1] else both.T
    right = max(sum(row[i] for row, i in zip(both, order, strict=True)) for order in _orders(both))
    wrong = np.maximum(true.sum(0), heard.sum(0)).sum() - right
    return float(wrong / max(1, true.sum()))


def _orders(both: np.ndarray) -> Iterator[tuple[int, ...]]:
    return permutations(range(both.shape[1]), both.shape[0])


def _grid(turns: Sequence[Turn], cells: int) -> np.ndarray:
    """bool (speakers, cells)."""
    grid = np.zeros((max((turn.speaker for turn in turns), default=0) + 1, cells), bool)
    for turn in turns:
        grid[turn.speaker, round(GRID * turn.start) : round(GRID * turn.end)] = True
    return grid
