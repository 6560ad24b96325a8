"""Long phonemes are split where a reader would pause, and nothing is lost."""

from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.engines.kokoro.chunking import split
from ttsai_server.text.phonemes.alphabet import ALPHABET

PHONEMES = st.text(st.sampled_from(sorted(ALPHABET)), max_size=900)
LONGEST = st.integers(min_value=2, max_value=510)


@given(PHONEMES, LONGEST)
def test_every_symbol_stays_in_its_order(phonemes: str, longest: int) -> None:
    assert "".join(split(phonemes, longest)).replace(" ", "") == phonemes.replace(" ", "")


@given(PHONEMES, LONGEST)
def test_no_piece_is_longer_than_asked_or_empty(phonemes: str, longest: int) -> None:
    assert all(1 <= len(piece) <= longest for piece in split(phonemes, longest))


@given(st.lists(st.text("abdˈ", min_size=1, max_size=9), max_size=60), st.integers(min_value=10, max_value=80))
def test_words_that_fit_stay_whole(words: list[str], longest: int) -> None:
    assert " ".join(split(" ".join(words), longest)).split() == words


def test_a_sentence_end_is_taken_before_a_comma() -> None:
    assert split("kæt, dɔɡ sæt. bɜɹd, flˈu", 20) == ["kæt, dɔɡ sæt.", "bɜɹd, flˈu"]


def test_a_comma_is_taken_before_a_space() -> None:
    assert split("kæt dɔɡ sæt, bɜɹd flˈu", 18) == ["kæt dɔɡ sæt,", "bɜɹd flˈu"]


def test_what_fits_is_left_alone() -> None:
    assert split("kæt", 3) == ["kæt"]
