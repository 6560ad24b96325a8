"""Which words of successive hearings are stable."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.domain import Word
from ttsai_server.services.live_transcription.agreement import Agreement


def words(text: str) -> list[Word]:
    """Half a second each."""
    return [Word(word, n / 2, n / 2 + 0.5, 1.0) for n, word in enumerate(text.split())]


def said(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)


def test_a_word_is_stable_once_two_hearings_agree_on_it() -> None:
    agreement = Agreement()
    assert not agreement.add(words("the old lighthouse"))
    assert said(agreement.add(words("the old light house keeper"))) == "the old"
    assert said(agreement.tentative) == "light house keeper"
    assert said(agreement.add(words("the old light house keeper climbed"))) == "light house keeper"


def test_the_last_word_of_a_hearing_is_not_stable_for_it_may_go_on() -> None:
    agreement = Agreement()
    agreement.add(words("a light."))
    assert said(agreement.add(words("a light."))) == "a"
    assert said(agreement.add(words("a light house"))) == "light"


def test_case_and_punctuation_are_those_of_the_later_hearing() -> None:
    agreement = Agreement()
    agreement.add(words("He came. then"))
    assert said(agreement.add(words("He came, then he"))) == "He came, then"


def test_what_is_stable_stays_though_a_later_hearing_has_other_words_for_it() -> None:
    agreement = Agreement()
    agreement.add(words("four candles please sir"))
    agreement.add(words("four candles please sir and"))
    assert said(agreement.finish(words("fork handles please sir and a hoe"))) == "and a hoe"
    assert said(agreement.stable) == "four candles please sir and a hoe"


def test_words_that_are_said_twice_are_told_twice() -> None:
    agreement = Agreement()
    agreement.add(words("no no"))
    agreement.add(words("no no no"))
    assert said(agreement.finish(words("no no no no"))) == "no no"
    assert said(agreement.stable) == "no no no no"


def test_times_of_words_that_later_hearings_place_earlier_do_not_overlap() -> None:
    agreement = Agreement()
    agreement.add(words("one two three"))
    agreement.add(words("one two three"))
    agreement.finish([replace(word, start=word.start / 2, end=word.end / 2) for word in words("one two three")])
    assert [(word.start, word.end) for word in agreement.stable] == [(0, 0.5), (0.5, 1.0), (1.0, 1.0)]


hearings = st.lists(st.lists(st.sampled_from("abc"), max_size=6).map(" ".join).map(words), min_size=1, max_size=6)


@given(hearings)
def test_stable_words_only_grow_and_are_what_has_been_told(heard: list[list[Word]]) -> None:
    agreement, told = Agreement(), list[Word]()
    for each in heard[:-1]:
        told += agreement.add(each)
        assert agreement.stable == told
    assert [*told, *agreement.finish(heard[-1])] == agreement.stable


@given(st.lists(st.sampled_from("abc"), max_size=8), st.integers(0, 8))
def test_hearings_that_agree_make_up_the_last_one(letters: list[str], known: int) -> None:
    agreement, text = Agreement(), words(" ".join(letters))
    agreement.add(text[:known])
    agreement.add(text)
    agreement.finish(text)
    assert agreement.stable == text
