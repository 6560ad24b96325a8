"""English text → phonemes, on the real lexicon, tagger and model for unknown words."""

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ttsai_server.errors import BadRequest
from ttsai_server.text.phonemes import Phonemizer
from ttsai_server.text.phonemes.alphabet import ALPHABET

HERE = Path(__file__).parent


def rows(path: Path) -> list[list[str]]:
    return [row.split("\t") for row in path.read_text().splitlines() if not row.startswith("#")]


FACTS = [row[:2] for row in rows(HERE.parent / "cases" / "en.tsv")]
HETERONYMS = rows(HERE / "heteronyms.tsv")


@pytest.fixture(scope="session")
def american() -> Phonemizer:
    return Phonemizer.load("en-us")


@pytest.fixture(scope="session")
def british() -> Phonemizer:
    return Phonemizer.load("en-gb")


def sounds(phonemes: str) -> str:
    """Without stress, spaces and stops, and with the vowels that weaken in running speech as one."""
    bare = re.sub(r"[ˈˌ\s.,;:!?…“”()\"—-]", "", phonemes).replace("ði", "ðə").replace("ænd", "ənd")
    return bare.translate(str.maketrans("Tɾᵻɐɪʊᵊ", "ttəəəuə"))


def spelled_out(phonemizer: Phonemizer, said: str) -> str:
    """Phonemes of the words; what stands in braces is phonemes already."""
    parts = re.split(r"\{([^}]*)\}", said)
    return "".join(part if i % 2 else phonemizer.phonemize(part) for i, part in enumerate(parts))


@pytest.mark.parametrize(("written", "said"), FACTS)
def test_sounds_like_its_words(american: Phonemizer, written: str, said: str) -> None:
    assert sounds(american.phonemize(written)) == sounds(spelled_out(american, said))


@pytest.mark.parametrize(("text", "phonemes"), HETERONYMS)
def test_the_sense_decides_the_sound(american: Phonemizer, text: str, phonemes: str) -> None:
    assert phonemes in american.phonemize(text)


@pytest.mark.parametrize(
    ("word", "phonemes"),
    [("water", "wˈɔːtə"), ("goat", "ɡˈQt"), ("zorblax", "zˈɔːblaks"), ("Kubernetes", "kˌuːbənˈɛtiz")],
)
def test_the_british_say(british: Phonemizer, word: str, phonemes: str) -> None:
    assert british.phonemize(word) == phonemes


@given(st.text(max_size=60))
@example("[word](/hˈI/)")
@example("❓ ❓")
@example("①②③ Ⅷ ٣ ௧")
@settings(max_examples=80)
def test_only_the_alphabet_comes_out(american: Phonemizer, text: str) -> None:
    assert set(american.phonemize(text)) <= ALPHABET


@given(st.text(st.characters(categories=("Ll", "Lu", "Lo", "Nd")), min_size=1, max_size=4))
@example("꼞")
@example("𡜐")
@settings(max_examples=60)
def test_a_word_in_any_script_is_said(american: Phonemizer, word: str) -> None:
    lone_marks = not any(c.isalnum() for c in unicodedata.normalize("NFKC", word))  # some "letters" are a mark alone
    assert lone_marks or any(c.isalpha() for c in american.phonemize(word))


WORDS = [
    "garden",
    "river",
    "yellow",
    "machine",
    "quickly",
    "banana",
    "seven",
    "mountain",
    "purple",
    "window",
    "elephant",
]


@given(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=12),
    st.sampled_from([" ", ", ", ". ", " - ", "\n", " … ", "; "]),
)
@settings(max_examples=60)
def test_no_word_is_lost(american: Phonemizer, words: list[str], between: str) -> None:
    said = sounds(american.phonemize(between.join(words)))
    assert said == "".join(sounds(american.phonemize(word)) for word in words)


@pytest.mark.parametrize("markup", ["[word](/hˈI/)", "[word](#n#)", "[word](-1)"])
def test_markup_in_the_text_is_not_obeyed(american: Phonemizer, markup: str) -> None:
    assert american.phonemize(markup).startswith(american.phonemize("word"))


def test_an_unknown_word_is_said_and_not_marked(american: Phonemizer) -> None:
    assert american.phonemize("zorblax") == "zˈɔɹblæks"


def test_a_word_without_vowels_is_spelled(american: Phonemizer) -> None:
    assert sounds(american.phonemize("xkcd")) == sounds(american.phonemize("X K C D"))


def test_as_written_does_not_expand_an_abbreviation() -> None:
    assert "dˈɑktəɹ" not in Phonemizer.load("en-us", normalise=False).phonemize("5 St. Ives")


def test_a_language_without_rules_is_a_bad_request() -> None:
    with pytest.raises(BadRequest):
        Phonemizer.load("xx")
