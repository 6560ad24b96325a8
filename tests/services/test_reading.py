"""In which language each part of a text is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.domain import Voice
from ttsai_server.errors import BadRequest
from ttsai_server.services.reading import readings, transliterated

KOKORO = ("en", "es", "fr", "hi", "it", "ja", "pt", "zh")
EMMA = Voice("bf_emma", "Emma", "kokoro", "en-gb", "female", KOKORO)
DORA = Voice("ef_dora", "Dora", "kokoro", "es", "female", KOKORO)
JOE = Voice("joe", "Joe", "piper", "en-us", "male", ("en",))
ENGLISH = "The rain has stopped, and the children are playing in the garden. "
SPANISH = "Mañana por la mañana iremos al mercado para comprar fruta fresca. "
JAPANESE = "今日はとてもいい天気ですね。"
FRENCH = "Nous avons passé toute la journée à la plage avec nos amis. "


def parts(text: str, *voices: Voice, asked: str | None = None, unreadable: str = "") -> list[tuple[str, str]]:
    """(language, what is read in it)."""
    found = readings(text, asked, voices, lambda code: code != unreadable, lambda codes: f"Who? {sorted(codes)}")
    return [(part.language, text[part.start : part.end]) for part in found]


def test_a_sentence_in_another_language_is_read_in_it() -> None:
    text = ENGLISH + SPANISH + ENGLISH
    assert parts(text, EMMA) == [("en-gb", ENGLISH), ("es", SPANISH), ("en-gb", ENGLISH)]


def test_sentences_in_one_language_are_one_part() -> None:
    assert parts(ENGLISH * 3, EMMA) == [("en-gb", ENGLISH * 3)]
    assert parts(ENGLISH * 3 + FRENCH * 2, EMMA) == [("en-gb", ENGLISH * 3), ("fr", FRENCH * 2)]


def test_another_script_is_told_in_a_short_sentence_too() -> None:
    assert parts(f"{ENGLISH}谢谢你。\n{ENGLISH}", EMMA) == [
        ("en-gb", ENGLISH),
        ("zh", "谢谢你。\n"),
        ("en-gb", ENGLISH),
    ]


def test_a_language_that_is_given_is_that_of_the_whole_text() -> None:
    assert parts(ENGLISH + SPANISH, EMMA, asked="en") == [("en-gb", ENGLISH + SPANISH)]


def test_a_voice_of_one_language_reads_all_in_it() -> None:
    assert parts(ENGLISH + SPANISH, JOE) == [("en-us", ENGLISH + SPANISH)]


def test_a_language_whose_packages_are_missing_is_not_followed_and_that_is_told() -> None:
    text = ENGLISH * 3 + JAPANESE
    assert parts(text, EMMA, unreadable="ja") == [("en-gb", text)]
    warned = transliterated(text, readings(text, None, [EMMA], lambda code: code != "ja", str))
    assert warned == ("Read as English, by their sounds or names: Japanese, Chinese letters",)


def test_what_is_followed_needs_no_warning() -> None:
    text = ENGLISH * 3 + JAPANESE
    assert transliterated(text, readings(text, None, [EMMA], lambda code: True, str)) == ()


def test_the_voices_own_region_is_kept_within_another_language() -> None:
    assert parts(SPANISH * 3 + ENGLISH, EMMA)[-1] == ("en-gb", ENGLISH)
    assert parts(ENGLISH * 3 + SPANISH, DORA) == [("en", ENGLISH * 3), ("es", SPANISH)]


def test_the_voices_own_language_is_read_in_it_though_another_prevails() -> None:
    english, french = "The invoice comes to $5.20, due on May 3rd. ", "Bonjour tout le monde, comment allez-vous ?"
    assert parts(english + french, EMMA) == [("en-gb", english), ("fr", french)]


def test_a_foreign_word_or_name_changes_nothing() -> None:
    text = "She said bonjour and left the room. We drove from Los Angeles to San Diego. I ate a pizza al pomodoro."
    assert parts(text, EMMA) == [("en-gb", text)]


def test_a_short_sentence_goes_with_the_one_before_it_if_that_is_likelier() -> None:
    spanish = f"{SPANISH}¿Te parece bien? "
    assert parts(f"{ENGLISH}{spanish}I think so. {ENGLISH}", EMMA) == [
        ("en-gb", ENGLISH),
        ("es", spanish),
        ("en-gb", f"I think so. {ENGLISH}"),
    ]


def test_a_blend_follows_what_all_its_voices_speak() -> None:
    text = ENGLISH * 3 + SPANISH
    assert parts(text, EMMA, JOE) == [("en-gb", text)]


def test_a_language_that_the_voice_lacks_is_told_with_those_who_speak_it() -> None:
    with pytest.raises(BadRequest, match=r"The voice 'joe' does not speak 'de'; it speaks en\. Who\? \['de'\]"):
        parts("Guten Morgen.", JOE, asked="de")


def test_a_text_in_letters_that_no_part_is_written_in_is_refused() -> None:
    with pytest.raises(BadRequest, match="mostly in Cyrillic letters"):
        parts("Сегодня хорошая погода. Привет.", EMMA)


@given(st.text(st.sampled_from("aeiou xñçはい天好好. \n。!?П"), max_size=200))
def test_the_parts_tile_the_text(text: str) -> None:
    try:
        found = readings(text, None, [EMMA], lambda code: True, str)
    except BadRequest:
        return
    assert "".join(text[part.start : part.end] for part in found) == text
