"""Words are told once they have been said."""

import numpy as np
import pytest

from ttsai_server.engines.shared.word_clock import Pace, WordClock
from ttsai_server.text.phonemes import WordPhonemes

PACE = Pace(rate=24_000, frame=600, lead=2)


def frames(*counts: int) -> np.ndarray:
    return np.array(counts, np.float32)


def test_a_word_is_told_once_its_last_symbol_was_said() -> None:
    clock = WordClock("ab cd", "ab cd", [WordPhonemes(0, 2, 0, 2), WordPhonemes(3, 5, 3, 5)], PACE)
    clock.begin("ab cd")
    sound = np.ones(4 * PACE.frame, np.float32)
    first = clock.hear(sound, frames(1, 1, 1, 1, 0, 0, 0), last=False)
    second = clock.hear(sound, frames(0, 0, 0, 0, 1, 2, 1), last=True)
    assert [[word.text for word in words] for words in (first, second)] == [["ab"], ["cd"]]


def test_a_word_begins_with_the_space_before_it_and_is_said_earlier_than_predicted() -> None:
    clock = WordClock("ab cd", "ab cd", [WordPhonemes(0, 2, 0, 2), WordPhonemes(3, 5, 3, 5)], PACE)
    clock.begin("ab cd")
    _, word = clock.hear(np.ones(100 * PACE.frame, np.float32), frames(10, 10, 10, 10, 20, 30, 10), last=True)
    assert (word.start_seconds, word.end_seconds) == pytest.approx((0.7, 2.2))
