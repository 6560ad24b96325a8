"""Which language is spoken where in a chunk."""

from itertools import pairwise

import numpy as np

from ttsai_server.engines.shared.transcription.windows import RATE, Chunk
from ttsai_server.engines.whisper.languages import STATES_PER_SECOND, Languages, States


def found(seconds: list[float], parts: list[dict[str, float]], whole: dict[str, float]) -> list[str]:
    """The languages of a chunk of stretches that last so long, by the guess of each and of all."""
    edges = [round(edge * RATE) for edge in np.cumsum([0, *seconds])]
    chunk = Chunk(tuple(pairwise(edges)), np.zeros(edges[-1], np.float32))
    states = np.repeat(np.arange(len(seconds)), [round(each * STATES_PER_SECOND) for each in seconds])

    def guess(rows: States) -> dict[str, float]:
        codes = {code: 0.0 for each in (*parts, whole) for code in each}
        return codes | (whole if len(rows) == len(states) else parts[int(rows[0, 0])])

    return [language for _, language in Languages(guess).find(chunk, states[:, None].astype(np.float32))]


def test_short_stretches_that_tell_little_are_in_the_language_of_the_whole() -> None:
    """As measured: two of 1.1 s, English, whose own guesses are Latvian and Tagalog."""
    parts = [{"lv": 0.24, "tl": 0.13, "en": 0.01}, {"tl": 0.4, "en": 0.11}]
    assert found([1.16, 1.12], parts, {"en": 0.996}) == ["en"]


def test_a_long_stretch_in_another_language_is_found_whatever_the_whole_is_taken_for() -> None:
    parts = [{"en": 0.9, "es": 0.01}, {"es": 0.9, "en": 0.01}]
    assert found([6.0, 5.0], parts, {"en": 0.99}) == ["en", "es"]
