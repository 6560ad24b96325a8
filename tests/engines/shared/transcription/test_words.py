"""What Whisper leaves out of a chunk is noticed by its words' times; every word lasts, and is in one part only."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.domain import Word
from ttsai_server.engines.shared.transcription.words import SHORTEST_WORD, Aligned, between, lasting, omitted

TIMES = st.lists(st.floats(0, 30), min_size=2, max_size=80).map(sorted)


@pytest.mark.parametrize(
    ("times", "found"),
    [
        ([(0, 1), (1, 2), (2, 4), (4, 5.5)], None),
        ([(0, 1), (1, 4), (4, 5.5)], (1, 4)),
        ([(0, 1), (3.5, 5.5)], (1, 3.5)),
        ([(2.5, 3), (3, 5)], (0, 2.5)),
        ([(0, 1), (1, 2), (2, 3)], (3, 6)),
        ([(2.5, 3)], (0, 6)),
        ([], (0, 6)),
    ],
    ids=["none", "a word is too long", "a hole", "a late start", "an early end", "both ends", "no word at all"],
)
def test_speech_without_a_word_of_its_own_is_noticed(
    times: list[tuple[float, float]], found: tuple[float, float] | None
) -> None:
    assert omitted([Aligned(" word", (1,), start, end, 1) for start, end in times], 6) == found


def aligned(times: list[float]) -> list[Aligned]:
    return [Aligned(" word", (i,), start, end, 1) for i, (start, end) in enumerate(pairwise(times))]


@given(TIMES, st.floats(0, 30), st.floats(0, 30))
def test_every_word_is_in_one_part_of_a_chunk(times: list[float], one: float, other: float) -> None:
    words, cuts = aligned(times), sorted([0, one, other, 31])
    parts = [word.tokens for start, end in pairwise(cuts) for word in between(words, start, end)]
    assert parts == [word.tokens for word in words]


@given(TIMES)
def test_words_last_in_order_and_within_bounds(times: list[float]) -> None:
    words = [Word("word", start, end, 1) for start, end in pairwise(times)]
    made = lasting(words, 0, 30)
    edges = [0.0, *(edge for word in made for edge in (word.start, word.end)), 30.0]
    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(edges))
    assert all(word.end - word.start >= SHORTEST_WORD - 1e-9 for word in made)


def test_words_at_one_moment_follow_each_other_and_the_next_one_gives_way() -> None:
    words = [Word("one", 0, 1, 1), *(Word("none", 1, 1, 1) for _ in range(3)), Word("five", 1, 2, 1)]
    times = [(round(word.start, 3), round(word.end, 3)) for word in lasting(words, 0, 2)]
    assert times == [(0, 1), (1, 1.02), (1.02, 1.04), (1.04, 1.06), (1.06, 2)]


def test_more_words_than_there_is_room_for_share_it() -> None:
    words = lasting([Word("word", 5, 5, 1) for _ in range(10)], 5, 5.1)
    assert [round(word.end - word.start, 6) for word in words] == [0.01] * 10
