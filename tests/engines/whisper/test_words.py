"""What Whisper leaves out of a chunk is noticed by its words' times."""

import pytest

from ttsai_server.engines.whisper.words import Aligned, unheard


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
    assert unheard([Aligned(" word", (1,), start, end, 1) for start, end in times], 6) == found
