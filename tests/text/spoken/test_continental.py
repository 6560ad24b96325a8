"""Figures and signs in Spanish, French, Italian, Portuguese and Hindi."""

import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.text.spoken import FRENCH, HINDI, ITALIAN, PORTUGUESE, SPANISH, Continental
from ttsai_server.text.spoken.continental.table import Table, listed

TABLES = {"es": SPANISH, "fr": FRENCH, "it": ITALIAN, "pt": PORTUGUESE, "hi": HINDI}
CASES = Path(__file__).parents[1] / "cases"
SAY = {language: Continental(table) for language, table in TABLES.items()}
AS_WRITTEN = {language: Continental(table, normalise=False) for language, table in TABLES.items()}


def cases() -> list[object]:
    """Every line of the files of cases, named by file and line."""
    return [
        pytest.param(language, *line.split("\t"), id=f"{language}.tsv:{number}")
        for language in TABLES
        for number, line in enumerate((CASES / f"{language}.tsv").read_text("utf-8").splitlines(), 1)
        if number > 1
    ]


@pytest.mark.parametrize(("language", "written", "said"), cases())
def test_is_said(language: str, written: str, said: str) -> None:
    assert SAY[language](written) == said


def pieces(words: Table) -> list[list[str]]:
    """What the rules of a language look for, and what stands around it, by kinds."""
    leads = "|".join((words.day_lead, words.hour_lead, words.phone_lead, words.decade_lead)).split("|")
    kinds = [
        "0123456789",
        listed("0 1 2 3 5 01 12 21 31 80 101 200 500 2024 1.000 3.305.408 12,5 0,5 1/2 3/4 15/01/2024 2024-01-15"),
        listed("9:30 15h30 9.30 18:05:10 T10:00 Z 612 1e 91234-5678 06 (11) +34 v2 '80 80s 1.2.3 10^2 H2O CO2"),
        listed(". , : ; - – − — / ' ’ _ ^ * ( ) ! ? … \" | \\ ~ º ª ° ² ³ ⁻¹ ½ ¼ № ᵉ ᵉʳ am p.m. a. m. h min x X"),
        " ",
        " \u00a0\u202f\u2009\n\t",
        listed("I V X L C D M II IV XIV XXI MCMXC Carlos Louis Isabel Luigi CD DVD B A aa #x @y www. .com a@b.es"),
        words.signs, words.units, words.money, words.scales, words.months, words.short_months, words.days,
        words.short_days, words.abbreviations, words.closing, words.before_capital, words.before_figure,
        sorted(words.particles), sorted(words.roman.labels) if words.roman else [],
        listed("casa casas día días mujer personas páginas fois pages sœur sorella irmãs piano maggio lugar vez"),
        listed("er ère ème e o a vz वाँ वीं"),
        [lead for lead in leads if lead.isalpha()],
    ]  # fmt: skip
    return [list(kind) for kind in kinds if kind]


def left_over(said: str) -> str:
    """Digits, and signs, which all have a name."""
    return "".join(c for c in said if c.isdecimal() or c in "ºª" or unicodedata.category(c).startswith("S"))


def texts(language: str) -> st.SearchStrategy[str]:
    return st.lists(st.one_of(*map(st.sampled_from, pieces(TABLES[language]))), max_size=14).map("".join)


@pytest.mark.parametrize("language", TABLES)
@given(data=st.data())
def test_no_text_of_the_rules_own_signs_raises_or_leaves_one_over(language: str, data: st.DataObject) -> None:
    text = data.draw(texts(language))
    assert left_over(SAY[language](text)) == ""
    assert left_over(AS_WRITTEN[language](text)) == ""


@pytest.mark.parametrize("language", TABLES)
@given(text=st.text(max_size=60))
def test_no_digit_is_left(language: str, text: str) -> None:
    assert not any(c.isdecimal() for c in SAY[language](text))


@pytest.mark.parametrize("language", TABLES)
def test_every_abbreviation_is_said(language: str) -> None:
    t = TABLES[language]
    rows = [*t.closing.items(), *t.abbreviations.items()]
    rows += [(f"{short} Ana", said) for short, said in t.before_capital.items()]
    rows += [(f"{short} 5", said) for short, said in t.before_figure.items()]
    assert [row for row in rows if row[1] not in SAY[language](f"x {row[0]}")] == []


@pytest.mark.parametrize("language", TABLES)
def test_every_unit_and_currency_is_said(language: str) -> None:
    t = TABLES[language]
    rows = [(unit, many) for unit, (_, many) in t.units.items()] + [
        (sign, unit[1]) for sign, (unit, _) in t.money.items()
    ]
    assert [row for row in rows if row[1] not in SAY[language](f"x 5 {row[0]}")] == []


@pytest.mark.parametrize("language", TABLES)
def test_every_sign_is_named(language: str) -> None:
    signs = {sign: name for sign, name in TABLES[language].signs.items() if sign not in ".,:-_/?"}
    assert [sign for sign, name in signs.items() if SAY[language](f"a {sign} a") != f"a {name} a"] == []


@pytest.mark.parametrize("language", TABLES)
@pytest.mark.parametrize(
    "piece", ["1.", "1 ", "1-", "a.", "a@", "1/", "$1", "www.", "A", "1 234 ", "XV y ", "1h", "A. "]
)
def test_a_long_text_of_one_piece_is_read_in_linear_time(language: str, piece: str) -> None:
    start = time.process_time()
    SAY[language](piece * (20_000 // len(piece)))
    assert time.process_time() - start < 2


def test_as_written_leaves_an_abbreviation_alone() -> None:
    assert AS_WRITTEN["es"]("Sr. 5 km") == "Sr. cinco km"
