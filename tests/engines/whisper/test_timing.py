"""Whisper's words are moved to where they are said."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.engines.shared.transcription.words import Aligned
from ttsai_server.engines.whisper.timing import settle

RATE = 16_000
LOUD = np.random.default_rng(0).normal(0, 0.1, 2 * RATE).astype(np.float32)


def word(start: float, end: float, text: str = " word") -> Aligned:
    return Aligned(text, (1,), start, end, 1.0)


def silent(start: float, end: float) -> np.ndarray:
    """LOUD, but from one second to another."""
    sound = LOUD.copy()
    sound[round(start * RATE) : round(end * RATE)] = 0
    return sound


@given(times=st.tuples(st.floats(0, 2), st.floats(0, 2)).map(sorted), lead=st.floats(-0.5, 0.5))
def test_a_word_stays_within_the_sound(times: list[float], lead: float) -> None:
    (moved,) = settle([word(times[0], times[1])], LOUD, lead)
    assert 0 <= moved.start <= moved.end <= 2


@pytest.mark.parametrize(("lead", "start"), [(0.1, 1.1), (0, 1.0), (-0.1, 0.9)])
def test_a_word_that_is_told_too_early_is_moved_later_and_one_told_too_late_earlier(lead: float, start: float) -> None:
    (moved,) = settle([word(1.0, 1.4)], LOUD, lead)
    assert (moved.start, moved.end) == pytest.approx((start, start + 0.4))


def test_a_word_does_not_begin_or_end_in_silence() -> None:
    sound = LOUD.copy()
    sound[:RATE] = sound[RATE * 3 // 2 :] = 0
    (moved,) = settle([word(0.8, 1.9)], sound, 0)
    assert (moved.start, moved.end) == pytest.approx((1.0, 1.5))


@pytest.mark.parametrize("told", [0.9, 1.0, 1.04])
def test_a_word_with_a_plosive_begins_at_its_burst(told: float) -> None:
    before, moved = settle([word(0.5, told, " some"), word(told, 1.5, " time")], silent(1.0, 1.06), 0)
    assert (before.end, moved.start, moved.end) == pytest.approx((1.0, 1.06, 1.5))


@pytest.mark.parametrize(
    ("text", "begins", "silence", "why"),
    [
        (" sound", 0.9, 0.06, "no plosive"),
        ("time", 0.9, 0.06, "no word of its own, but a part of the one before"),
        (" time", 0.75, 0.06, "the plosive of a later syllable"),
        (" time", 0.9, 0.02, "no closure"),
    ],
)
def test_another_word_begins_where_it_is_told(text: str, begins: float, silence: float, why: str) -> None:
    _, moved = settle([word(0.5, begins), word(begins, 1.5, text)], silent(1.0, 1.0 + silence), 0)
    assert moved.start == pytest.approx(begins), why


@given(
    times=st.lists(st.floats(0, 2), min_size=8, max_size=8).map(sorted),
    gaps=st.lists(st.tuples(st.floats(0, 2), st.floats(0, 0.2)), max_size=6),
)
def test_words_stay_in_order(times: list[float], gaps: list[tuple[float, float]]) -> None:
    sound = LOUD.copy()
    for start, length in gaps:
        sound[round(start * RATE) : round((start + length) * RATE)] = 0
    moved = settle([word(start, end, " to") for start, end in pairwise(times)], sound, 0)
    edges = [edge for each in moved for edge in (each.start, each.end)]
    assert edges == sorted(edges)
