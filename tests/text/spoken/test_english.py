"""english.tsv: what is written, and what is said."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.text.spoken import English

ROWS = [
    row.split("\t")
    for row in (Path(__file__).parent / "english.tsv").read_text().splitlines()
    if not row.startswith("#")
]


def letters(text: str) -> str:
    """The words without regard to case, spaces and stops: U S B is U.S.B"""
    return "".join(c for c in text.lower() if c.isalnum())


@pytest.fixture(scope="session")
def american() -> English:
    return English(british=False)


@pytest.mark.parametrize(("written", "said"), [row[1:] for row in ROWS if "{" not in row[2]])
def test_is_said(american: English, written: str, said: str) -> None:
    assert letters(american(written)) == letters(said)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("It holds 105 seats.", "It holds one hundred and five seats."),
        ("Due 3/4/2026.", "Due the third of April, twenty twenty six."),
        ("It is 5 km away.", "It is five kilometres away."),
    ],
)
def test_the_british_say(written: str, said: str) -> None:
    assert English(british=True)(written) == said


def test_as_written_leaves_an_abbreviation_alone() -> None:
    assert English(british=False, normalise=False)("Dr. Who, 5km, $3") == "Dr. Who, five km, three"


@given(st.text(max_size=80))
def test_no_digit_is_left(text: str) -> None:
    assert not any(c.isdecimal() for c in English(british=False)(text))


@given(
    st.lists(
        st.sampled_from(
            [
                "the",
                "quick",
                "brown",
                "fox",
                "jumps",
                "over",
                "lazy",
                "dogs",
                "while",
                "seven",
                "tired",
                "wizards",
                "look",
            ]
        ),
        min_size=1,
    )
)
def test_plain_words_are_left_as_they_are(words: list[str]) -> None:
    assert English(british=False)(" ".join(words)) == " ".join(words)


@pytest.mark.parametrize(
    "piece", ["1.", "a.", "1-", "A", "aA", "www.", "https://", "a@", "THE FBI ", "St. A", "1 1/", "[("]
)
def test_a_long_text_of_one_piece_is_read_in_linear_time(american: English, piece: str) -> None:
    """Quadratic rules took 20 s and more on these."""
    import time

    start = time.process_time()
    american(piece * (50_000 // len(piece)))
    assert time.process_time() - start < 5
