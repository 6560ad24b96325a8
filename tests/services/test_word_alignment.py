from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.domain import Word
from ttsai_server.errors import BadRequest, WeightsMissing
from ttsai_server.services.flow import Flow
from ttsai_server.services.reading import Reading
from ttsai_server.services.word_alignment import choose_aligner, matched
from ttsai_server.settings import Models
from ttsai_server.text.clean import speakable
from ttsai_server.text.words import word_spans

HEARD = st.lists(st.tuples(st.text(max_size=6), st.floats(0, 1)), max_size=8)


def heard(*words: tuple[str, float, float]) -> list[Word]:
    return [Word(*word, 1.0) for word in words]


def test_words_have_the_times_of_what_was_heard() -> None:
    words = matched("It is naïve.", heard(("It", 0.1, 0.2), ("is", 0.3, 0.5), ("naive", 0.6, 1.0)), 2)
    assert [(word.text, word.start_seconds, word.end_seconds) for word in words] == [
        ("It", 0.1, 0.2),
        ("is", 0.3, 0.5),
        ("naïve.", 0.6, 1.0),
    ]


def test_a_word_that_is_heard_as_two_lasts_as_long_as_both() -> None:
    words = matched("cost $5 now", heard(("cost", 0, 0.4), ("five", 0.5, 0.8), ("dollars", 0.9, 1.4), ("now", 2, 3)), 3)
    assert [word.start_char for word in words] == [0, 5, 8]
    assert (words[1].start_seconds, words[1].end_seconds) == (0.5, 1.4)


def test_words_that_were_not_heard_share_what_is_between_their_neighbours() -> None:
    words = matched("One xx yy two", heard(("one", 0, 1), ("two", 3, 4)), 5)
    assert [(word.start_seconds, word.end_seconds) for word in words] == [(0, 1), (1, 2), (2, 3), (3, 4)]


@pytest.mark.parametrize("text", ["", "— …", "!"])
def test_where_nothing_is_said_there_are_no_words(text: str) -> None:
    assert matched(text, heard(("one", 0, 1)), 1) == []


@given(st.text(max_size=40), HEARD)
def test_every_speakable_word_has_its_time(text: str, said: list[tuple[str, float]]) -> None:
    words, at = list[Word](), 0.0
    for each, seconds in said:
        words.append(Word(each, at, at + seconds, 1.0))
        at += seconds
    found = matched(text, words, at)
    speakable_spans = [span for span in word_spans(text) if speakable(text[slice(*span)])]
    assert [(word.start_char, word.end_char) for word in found] == speakable_spans
    assert all(0 <= word.start_seconds <= word.end_seconds <= at + 1e-9 for word in found)


def test_without_whisper_there_are_no_times(flow: Flow, tmp_path: Path) -> None:
    models = Models(dir=tmp_path)
    context = replace(flow.context, settings=flow.context.settings.model_copy(update={"models": models}))
    with pytest.raises(WeightsMissing, match="models pull whisper"):
        choose_aligner(context, [Reading(0, 1, "en-us")])


def test_a_language_that_whisper_does_not_understand_is_refused(flow: Flow) -> None:
    with pytest.raises(BadRequest, match="Zulu"):
        choose_aligner(flow.context, [Reading(0, 1, "en-us"), Reading(1, 2, "zu")])
