import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.errors import BadRequest
from ttsai_server.text.pronunciations import LONGEST_ENTRY, MOST_ENTRIES, pronounce


@pytest.mark.parametrize(
    ("text", "pronunciations", "said"),
    [
        ("A GIF file.", {"GIF": "jiff"}, "A jiff file."),
        ("GIFs are no GIF-like (GIF).", {"GIF": "jiff"}, "GIFs are no jiff-like (jiff)."),
        ("us and US", {"US": "you ess"}, "us and you ess"),
        ("gif Gif GIF", {"gif": "jiff"}, "jiff jiff jiff"),
        ("gif GIF", {"gif": "jiff", "GIF": "gee"}, "jiff gee"),
        ("New York City", {"New York": "NY", "New York City": "NYC"}, "NYC"),
        ("a b", {"a": "b", "b": "a"}, "b a"),
        ("C++ and C", {"C++": "see plus plus"}, "see plus plus and C"),
        ("naïve naïveté", {"naïve": "nah eve"}, "nah eve naïveté"),
        ("cafe\u0301".encode().decode(), {"café": "coffee"}, "cafe\u0301"),
        ("東京都に行く", {"東京": "とうきょう"}, "とうきょう都に行く"),
        ("का काम", {"का": "x"}, "x काम"),
        ("a.b", {".": " dot "}, "adotb"),
        (r"\1 x", {"x": r"\1"}, r"\1 \1"),
        ("hush now", {"hush": ""}, " now"),
    ],
)
def test_whole_words_are_replaced(text: str, pronunciations: dict[str, str], said: str):
    assert pronounce(text, pronunciations).text == said


@given(st.text(max_size=80))
def test_without_pronunciations_nothing_changes(text: str):
    assert pronounce(text, {}).text == text


@given(st.text(max_size=80), st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=5), max_size=5))
def test_a_word_that_is_said_as_it_is_changes_nothing(text: str, words: dict[str, str]):
    same = {word: word for word in words if word == word.upper() and word.isalnum() and word.isascii()}
    assert pronounce(text, same).text == text


@pytest.mark.parametrize(
    ("pronunciations", "why"),
    [
        ({str(n): "x" for n in range(MOST_ENTRIES + 1)}, "more than 100"),
        ({"": "x"}, "empty word"),
        ({" ": "x"}, "empty word"),
        ({"\u200b": "x"}, "empty word"),
        ({"a" * (LONGEST_ENTRY + 1): "x"}, "more than 100 characters"),
        ({"a": "x" * (LONGEST_ENTRY + 1)}, "more than 100 characters"),
        ({"a": "x" * LONGEST_ENTRY}, "twice as long"),
    ],
)
def test_what_is_too_much_is_a_bad_request(pronunciations: dict[str, str], why: str):
    with pytest.raises(BadRequest, match=why) as caught:
        pronounce("a " * 1000, pronunciations)
    assert caught.value.param == "pronunciations"


def test_a_hundred_words_in_the_longest_text_are_quick():
    words = {f"word{n}": f"WORD{n}" for n in range(100)}
    start = time.process_time()
    pronounce("Some wordy word1 text word99. " * 1700, words)
    assert time.process_time() - start < 5
