"""Windows to turns."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.engines.speakers.assignment import turns
from ttsai_server.engines.speakers.windows import Windows, layout

VOICES = np.eye(3, 8, dtype=np.float32)


def windows(owners: list[int], gaps: dict[int, float] | None = None) -> Windows:
    """Windows of .2 s that are quite their owner's voice; `gaps`: seconds of silence before a window."""
    pauses = np.cumsum([(gaps or {}).get(i, 0.0) for i in range(len(owners))])
    starts = (0.2 * np.arange(len(owners)) + pauses).astype(np.float64)
    return Windows(np.stack([starts, starts + 0.2], 1), np.full(len(owners), 120), VOICES[owners].astype(np.float16))


def test_turns_are_where_the_voice_changes() -> None:
    found = turns(windows([0] * 10 + [1] * 10), VOICES)
    assert [(round(turn.start, 3), round(turn.end, 3), turn.speaker) for turn in found] == [(0, 2, 0), (2, 4, 1)]


def test_a_breath_does_not_end_a_turn() -> None:
    assert len(turns(windows([0] * 20, {10: 0.5}), VOICES)) == 1


def test_a_longer_pause_does() -> None:
    assert len(turns(windows([0] * 20, {10: 1.2}), VOICES)) == 2


def test_one_odd_window_is_no_turn() -> None:
    odd = windows([0] * 20)
    odd.embeddings[10] = [0.75, 0.66, 0, 0, 0, 0, 0, 0]
    odd.embeddings[11] = [0.66, 0.75, 0, 0, 0, 0, 0, 0]
    assert len(turns(odd, VOICES)) == 1


@given(st.lists(st.integers(0, 2), min_size=1, max_size=6), st.permutations(range(3)))
def test_speakers_are_numbered_by_their_first_word_however_voices_are_ordered(
    said: list[int], order: list[int]
) -> None:
    owners = [speaker for speaker in said for _ in range(8)]
    found = turns(windows(owners), VOICES[order])
    seen = list(dict.fromkeys(turn.speaker for turn in found))
    assert seen == list(range(len(set(said))))


@given(st.lists(st.integers(0, 2), min_size=1, max_size=6))
def test_turns_cover_all_that_is_spoken(said: list[int]) -> None:
    given_windows = windows([speaker for speaker in said for _ in range(8)])
    found = turns(given_windows, VOICES)
    assert sum(turn.end - turn.start for turn in found) <= 0.2 * len(given_windows) + 1e-6
    assert all(b.start == a.end for a, b in pairwise(found))


@given(st.integers(1, 3000))
def test_cells_cover_a_stretch_and_windows_stay_in_it(frames: int) -> None:
    cells, spans = layout(frames)
    assert (cells[0, 0], cells[-1, 1]) == (0, frames)
    assert np.array_equal(cells[1:, 0], cells[:-1, 1])
    assert np.all(spans[:, 0] >= 0)
    assert np.all(spans[:, 1] <= frames)
    assert np.all(spans[:, 1] > spans[:, 0])
