"""What Whisper leaves out of a chunk is noticed: a model that skips a sentence is as sure of itself as ever."""

import numpy as np
import pytest

from ttsai_server.engines.whisper.listener import _skips
from ttsai_server.engines.whisper.windows import RATE, Chunk
from ttsai_server.engines.whisper.words import Aligned

CHUNK = Chunk(((0, 6 * RATE),), np.zeros(6 * RATE, np.float32))


@pytest.mark.parametrize(
    ("times", "skipped"),
    [
        ([(0, 1), (1, 2), (2, 4), (4, 5.5)], False),
        ([(0, 1), (1, 4), (4, 5.5)], True),
        ([(0, 1), (3.5, 5.5)], True),
        ([(2.5, 3), (3, 5)], True),
        ([(0, 1), (1, 2), (2, 3)], True),
        ([], True),
    ],
    ids=["every second has its word", "a word is too long", "a gap", "a late start", "an early end", "no word at all"],
)
def test_speech_without_a_word_of_its_own_is_noticed(times: list[tuple[float, float]], skipped: bool) -> None:
    assert _skips([Aligned(" word", (1,), start, end, 1) for start, end in times], CHUNK) is skipped
