import subprocess
import sys
from pathlib import Path

import pytest
from faster_whisper.tokenizer import _LANGUAGE_CODES
from hypothesis import given
from hypothesis import strategies as st
from lingua import Language

from ttsai_server.errors import BadRequest
from ttsai_server.text.language import NAMES, detect, detect_sentence, foreign, normalise_code

SPOKEN = ("en", "es", "fr", "hi", "it", "ja", "pt", "zh")
SENTENCES = [
    (path.stem, line)
    for path in sorted((Path(__file__).parent / "languages").glob("*.txt"))
    for line in path.read_text(encoding="utf-8").splitlines()
]
CODES = [
    (language.iso_code_639_3.name.lower(), language.iso_code_639_1.name.lower())
    for language in sorted(Language.all(), key=str)
]
"""ISO 639-3 and 639-1, as lingua has them."""


@pytest.mark.parametrize(("language", "sentence"), SENTENCES)
def test_a_sentence_is_known_by_a_voice_of_its_own_language(language: str, sentence: str):
    assert detect(sentence, SPOKEN, language) == language


@pytest.mark.parametrize("default", ["en-us", "hi", "zh"])
def test_sentences_are_known_by_voices_of_other_languages(default: str):
    right = [detect(sentence, SPOKEN, default) == language for language, sentence in SENTENCES]
    assert sum(right) >= 0.9 * len(right)


@pytest.mark.parametrize("default", ["en-us", "es", "fr", "it", "pt-br", "hi", "ja", "zh"])
def test_english_is_hardly_ever_taken_for_another_language(default: str):
    wrong = [
        s for language, s in SENTENCES if language == "en" and detect(s, SPOKEN, default) not in ("en", default[:2])
    ]
    assert wrong == []


def test_english_sentences_of_a_text_are_never_taken_for_others():
    cases = (Path(__file__).parent / "cases/en.tsv").read_text("utf-8").splitlines()
    english = [text for case in cases for text in case.split("\t")[:2]]
    assert [text for text in english if text.isascii() and detect_sentence(text, SPOKEN, "en", "en") != "en"] == []


def test_most_sentences_in_another_language_are_known_within_an_english_text():
    found = [detect_sentence(text, SPOKEN, "en", "en") == language for language, text in SENTENCES if language != "en"]
    assert sum(found) >= 0.8 * len(found)


@pytest.mark.parametrize(
    "text",
    [
        "Hi.",
        "OK",
        "Pizza al pomodoro",
        "Buenos Aires",
        "Déjà vu",
        "Michael Jordan",
        "1234 5678",
        "3.14",
        "Mr. García",
        "No, no, no!",
        "Café au lait.",
        "!",
    ],
)
def test_a_short_text_stays_in_the_voices_language(text: str):
    assert detect(text, SPOKEN, "en-us") == "en"


@pytest.mark.parametrize(
    "text",
    [
        "I ate a pizza al pomodoro in Napoli with Giovanni.",
        "The Japanese word 寿司 means sushi.",
        "My friends José and François live in São Paulo.",
        "She said bonjour and left the room.",
        "Cristiano Ronaldo plays for Real Madrid and Portugal.",
        "Visit the Musée d'Orsay and the Champs-Élysées in Paris.",
        "We drove from Los Angeles to San Francisco and San Diego.",
    ],
)
def test_foreign_words_in_an_english_text_do_not_change_it(text: str):
    assert detect(text, SPOKEN, "en-us") == "en"


@pytest.mark.parametrize(
    ("text", "default", "language"),
    [
        ("東京", "ja", "ja"),
        ("東京", "zh", "zh"),
        ("東京", "en-us", "zh"),
        ("東京都港区芝公園四丁目の東京タワー", "zh", "ja"),
        ("नमस्ते", "en-us", "hi"),
        ("Hello", "hi", "en"),
        ("Hello, how are you today?", "ja", "en"),
    ],
)
def test_the_script_decides(text: str, default: str, language: str):
    assert detect(text, SPOKEN, default) == language


def test_only_candidates_are_found():
    assert detect("Das ist ein ganz normaler deutscher Satz.", ("en",), "en-gb") == "en"
    assert detect("Это обычное русское предложение.", SPOKEN, "fr") == "fr"


def test_a_long_text_is_judged_by_its_beginning():
    assert detect("The rain has stopped and we can go out now. " * 2000, SPOKEN, "es") == "en"


def test_the_detector_is_loaded_at_the_first_need_only():
    code = """
import sys
from ttsai_server.text.language import detect
detect("こんにちは", ("en", "ja"), "en")
print("lingua" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("en", "en"),
        ("EN", "en"),
        (" en_US ", "en-us"),
        ("pt-BR", "pt-br"),
        ("English", "en"),
        ("french", "fr"),
        ("Brazilian Portuguese", "pt-br"),
        ("mandarin", "zh"),
        ("zh-Hans-CN", "zh-hans-cn"),
        ("es-419", "es-419"),
        ("eng", "en"),
        ("deu", "de"),
        ("ger", "de"),
        ("spa-MX", "es-mx"),
        ("cmn-Hans", "zh-hans"),
        ("jw", "jv"),
        ("IW", "he"),
    ],
)
def test_languages_go_by_many_names(name: str, code: str):
    assert normalise_code(name) == code


# Whisper's names and aliases where they are not ours
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("burmese", "my"),
        ("Castilian", "es"),
        ("FLEMISH", "nl"),
        ("haitian", "ht"),
        ("haitian creole", "ht"),
        ("letzeburgesch", "lb"),
        ("Mandarin", "zh"),
        ("moldavian", "ro"),
        ("moldovan", "ro"),
        ("myanmar", "my"),
        ("nynorsk", "nn"),
        ("panjabi", "pa"),
        ("pushto", "ps"),
        ("sinhalese", "si"),
        ("valencian", "ca"),
    ],
)
def test_whispers_names_are_known(name: str, code: str):
    assert normalise_code(name) == code


@pytest.mark.parametrize("code", _LANGUAGE_CODES)
def test_whispers_codes_are_known_in_any_case(code: str):
    known = {"jw": "jv"}.get(code, code)
    assert normalise_code(code) == normalise_code(code.upper()) == known
    assert known in NAMES


@pytest.mark.parametrize(("three", "two"), CODES)
def test_codes_of_three_letters_are_known(three: str, two: str):
    assert normalise_code(three) == two


@given(st.sampled_from(sorted(NAMES)), st.sampled_from(["", "-US", "_BR", "-Hant-TW", "-419"]), st.data())
def test_case_and_separators_do_not_matter(code: str, tag: str, data: st.DataObject):
    case = data.draw(st.sampled_from([str.upper, str.lower, str.title]))
    assert normalise_code(f" {case(code + tag)}\t") == (code + tag).lower().replace("_", "-")


@given(st.text(max_size=12))
def test_any_text_is_a_language_or_a_bad_request(text: str):
    try:
        code = normalise_code(text)
    except BadRequest:
        return
    assert normalise_code(code) == code
    assert code.split("-")[0] in NAMES


@pytest.mark.parametrize("name", ["", "klingon", "xx", "en-", "e", "en us", "1", "en\n-us", "-", "🇬🇧", "a" * 1000])
def test_no_language_is_a_bad_request(name: str):
    with pytest.raises(BadRequest, match="Unknown language") as caught:
        normalise_code(name)
    assert caught.value.param == "language"


def test_every_name_is_known_by_itself():
    assert {normalise_code(name) for name in NAMES.values()} == set(NAMES)


@pytest.mark.parametrize(
    ("text", "language", "names"),
    [
        ("Hello, Zoë!", "en", ()),
        ("The word Привет means hello.", "en", ("Cyrillic",)),
        ("مرحبا and שלום and สวัสดี", "en", ("Thai", "Arabic", "Hebrew")),
        ("今日はいい天気ですね", "es", ("Japanese", "Chinese")),
        ("今日はいい天気ですね", "ja", ()),
        ("iPhone を買った", "ja", ()),
        ("我有iPhone", "zh", ()),
        ("こんにちは", "zh", ("Japanese",)),
        ("नमस्ते, how are you?", "hi", ()),
        ("π is 3.14, 5 Ω and β", "en", ()),
        ("ᚠᚢᚦ", "en", ("Runic",)),
        ("1234 – !?", "en", ()),
        ("١٢٣ and १२३ and ๑๒๓", "en", ()),
    ],
)
def test_letters_that_a_language_is_not_written_in(text: str, language: str, names: tuple[str, ...]):
    assert foreign(text, language).names == names


def test_the_share_of_foreign_letters():
    found = foreign("abc где", "en")
    assert found.share == 0.5
    assert "ru" in found.languages


@given(st.text(), st.sampled_from(SPOKEN))
def test_a_share_is_of_all_letters(text: str, language: str):
    assert 0 <= foreign(text, language).share <= 1


@pytest.mark.parametrize(("language", "sentence"), SENTENCES)
def test_no_sentence_is_foreign_to_its_language(language: str, sentence: str):
    assert foreign(sentence, language).share == 0
