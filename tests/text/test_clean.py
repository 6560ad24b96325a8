import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.text.clean import clean, speakable

ANY = st.text(st.characters())
"""Lone surrogates too."""


@pytest.mark.parametrize(
    ("given", "cleaned"),
    [
        ("cafe\u0301", "café"),
        ("a\x00b\x07c\x7f", "a b c "),
        ("a\tb\nc", "a\tb\nc"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("a\u2029b", "a\n\nb"),
        ("a\x0bb\x0cc\x85d", "a\nb\nc\nd"),
        ("a\ud800b", "a b"),
        ("co\u00adop\u200b\ufeff", "coop"),
        ("\u202eabc\u202c", "abc"),
        ("a\u200db", "ab"),
        ("क्\u200dष", "क्\u200dष"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("❤\ufe0f\u200d🔥", "❤\ufe0f\u200d🔥"),
        ("a\ue000b", "a b"),
        ("$5 & 10 % – “yes”…", "$5 & 10 % – “yes”…"),
    ],
)
def test_what_is_left(given: str, cleaned: str):
    assert clean(given) == cleaned


@given(ANY)
def test_once_is_enough(text: str):
    assert clean(clean(text)) == clean(text)


@given(ANY)
def test_it_can_always_be_sent_on(text: str):
    clean(text).encode("utf-8")


@given(ANY)
def test_only_two_control_characters_are_left(text: str):
    assert {char for char in clean(text) if unicodedata.category(char) in ("Cc", "Cs", "Co")} <= {"\n", "\t"}


@given(st.text(st.characters(categories=("L", "N"))))
def test_letters_and_digits_are_kept(text: str):
    assert clean(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("text", ["a", "7", "你", "क", "é!", "½", "...x"])
def test_a_letter_or_a_digit_can_be_spoken(text: str):
    assert speakable(text)


@pytest.mark.parametrize(
    "text", ["", " \n\t", "...", "?!—", "😀", "👩\u200d👩\u200d👧", "🇬🇧", "\x00", "€", "\u0301", "❤\ufe0f"]
)
def test_blanks_punctuation_and_emoji_can_not(text: str):
    assert not speakable(clean(text))
