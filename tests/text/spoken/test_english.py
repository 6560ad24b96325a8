"""cases/en.tsv: what is written, and what is said; then what holds for any text."""

import re
import time
from functools import partial
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ttsai_server.text.phonemes.tagger import load_tagger, tags
from ttsai_server.text.spoken import English
from ttsai_server.text.spoken.english import dates, money, places, roman, signs, times, words
from ttsai_server.text.spoken.english.unit_names import unit_names

CASES = [
    row.split("\t")[:2]
    for row in (Path(__file__).parents[1] / "cases" / "en.tsv").read_text().splitlines()
    if not row.startswith("#") and "{" not in row
]
TAGGER = partial(tags, load_tagger())
AMERICAN, BRITISH = English(british=False, tag=TAGGER), English(british=True, tag=TAGGER)
AS_WRITTEN = English(british=False, tag=TAGGER, normalise=False)


def heard(text: str) -> str:
    """The letters and the stops that end a sentence: U S B is U.S.B, but "5 p.m. Then" has a stop that is heard."""
    bare = re.sub(r"[“”\"'’]", "", text.lower())
    return "".join(re.findall(r"[^\W_]|[.?!](?=\s|$)", bare))


@pytest.mark.parametrize(("written", "said"), CASES)
def test_is_said(written: str, said: str) -> None:
    assert heard(AMERICAN(written)) == heard(said), AMERICAN(written)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("It holds 105 seats.", "It holds one hundred and five seats."),
        ("Due 3/4/2026.", "Due the third of April, twenty twenty six."),
        ("On 5 May we met.", "On the fifth of May we met."),
        ("On the 4th of July we met.", "On the fourth of July we met."),
        ("It is 5 km away.", "It is five kilometres away."),
        ("It is 9.8 m/s² here.", "It is nine point eight metres per second squared here."),
        ("It goes 100 km/h.", "It goes one hundred kilometres per hour."),
        ("She got £5 for 120 sq m.", "She got five pounds for one hundred and twenty square metres."),
    ],
)
def test_the_british_say(written: str, said: str) -> None:
    assert BRITISH(written) == said


def test_as_written_leaves_an_abbreviation_alone() -> None:
    assert AS_WRITTEN("Dr. Who, 5km, $3") == "Dr. Who, five km, three"


FRAGMENTS = """
0 1 2 5 7 00 05 12 31 60 99 101 747 911 1066 1999 2024 90210 5551234567 1,234 0.5 .75 ½ ² ⁻³ ٣ ௧ ① Ⅷ I II IV IX XL ILL
XXXX MCMXCIV C L M ı ſ İ K a A x X p.m. a.m AM U.S. PhD e.g. st nd rd th TH . , : ; - – — − / ' ’ " ” ( ) [ ] { } ? ! …
~ # @ _ * ^ | ` ′ ″ & 's ’s 'm T Z +02:00 http:// www. .com the a of in it on and to is was read call ZIP flight it's
The He She Then London Peter v ext. box
"""
PARTS = [
    *unit_names(british=False),
    *signs.NAMES,
    *dates.MONTHS,
    *dates.DAYS,
    *(f"{day}." for day in dates.DAYS),
    *(f"{title}." for title in words.TITLES),
    *words.LAST,
    *words.PLAIN,
    *places.ROADS,
    *places.SIDES,
    *places.STATES,
    *money.SIGNS,
    *money.SCALES,
    *money.CODES,
    *roman.COUNTED.split("|"),
    *roman.RULERS.split("|"),
    *times.ZONES.split("|"),
    *FRAGMENTS.split(),
]  # fmt: skip
"""What the rules look for: units, signs, months, titles, currencies, figures, separators, Roman letters..."""
NAMED = {sign for sign in signs.NAMES if len(sign) == 1 and not sign.isalnum()}


def written(parts: list[tuple[str, str]]) -> str:
    return "".join(part + space for part, space in parts)


generated = st.lists(
    st.tuples(st.sampled_from(PARTS), st.sampled_from(["", "", " ", " ", " ", "\n"])), max_size=12
).map(written)


@pytest.mark.parametrize("english", [AMERICAN, BRITISH, AS_WRITTEN, English(True, TAGGER, normalise=False)])
@given(generated)
@settings(max_examples=300, deadline=None)
def test_any_text_of_the_rules_own_parts_is_said_and_nothing_is_left_over(english: English, text: str) -> None:
    said = english(text)
    assert not any(c.isdecimal() or c in NAMED for c in said), said


@given(st.text(max_size=80))
@example("5 mıllion $ and ſ5")
@settings(deadline=None)
def test_no_digit_is_left(text: str) -> None:
    assert not any(c.isdecimal() for c in AMERICAN(text))


PLAIN_WORDS = [
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


@given(st.lists(st.sampled_from(PLAIN_WORDS), min_size=1))
def test_plain_words_are_left_as_they_are(words: list[str]) -> None:
    assert AMERICAN(" ".join(words)) == " ".join(words)


@pytest.mark.parametrize(
    "piece",
    ["1.", "a.", "1-", "A", "aA", "www.", "https://", "a@", "THE FBI ", "St. A", "1 1/", "[(", '12"', "Mon–", "part I ",
     "Peter I said ", "1 - ", "5 x ", "U.S. Army ", "$5–", "Main St. ", "10:30–", "H2", "5 ft. ", "1/2 ", "I", "IV, "],
)  # fmt: skip
def test_a_long_text_of_one_piece_is_read_in_linear_time(piece: str) -> None:
    """On an idle machine 0.3 s at most; quadratic rules took 5 s and more."""
    start = time.process_time()
    AMERICAN(piece * (25_000 // len(piece)))
    assert time.process_time() - start < 2.5
