"""Whisper's words are moved to where they are said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.engines.shared.transcription.words import Aligned
from ttsai_server.engines.whisper.timing import settle

RATE = 16_000
LOUD = np.random.default_rng(0).normal(0, 0.1, 2 * RATE).astype(np.float32)


def word(start: float, end: float) -> Aligned:
    return Aligned(" word", (1,), start, end, 1.0)


@given(times=st.tuples(st.floats(0, 2), st.floats(0, 2)).map(sorted), lead=st.floats(-0.5, 0.5))
def test_a_word_stays_within_the_sound(times: list[float], lead: float) -> None:
    (moved,) = settle([word(*times)], LOUD, lead)
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
