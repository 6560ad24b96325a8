"""cases/markup.tsv: what is written, and what is read."""

import time
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ttsai_server.text.clean import clean
from ttsai_server.text.markup import unmarked
from ttsai_server.text.split import Cut, pieces

ROWS = (Path(__file__).parent / "cases" / "markup.tsv").read_text("utf-8").splitlines()[1:]
PROSE = st.text(st.sampled_from("abcXÉ语म १25 \n.,;!?'\"()/%€@^{}…–—😀") | st.characters(categories=("L",)))
MARKS = st.text(st.sampled_from("ab1 \n\t#*_~`>|[]()!\\<&;=-+$:/^{}.।語") | st.characters(codec="utf-8"), max_size=200)
WORDS_AND_MARKS = st.lists(st.sampled_from(["one", "two", " ", "\n", "\n\n", *"#*_~`>|-+=$.)(3!"]), max_size=60)


def written(field: str) -> str:
    return field.replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\")


@pytest.mark.parametrize("row", ROWS, ids=range(2, len(ROWS) + 2))
def test_is_read(row: str):
    given, read = map(written, row.split("\t"))
    assert clean(unmarked(given)) == clean(read)


@given(PROSE.map(clean))
def test_a_text_without_marks_comes_back_as_it_was(text: str):
    assert unmarked(text) == text


@given(MARKS)
@example("*")
@example("|\n|-")
@example("[^1]: [a]: <")
@settings(max_examples=1000)
def test_no_text_raises(text: str):
    unmarked(clean(text))


@given(WORDS_AND_MARKS.map("".join))
@settings(max_examples=1000)
def test_no_word_is_lost(text: str):
    assume("```" not in text and "~~~" not in text)  # the name of a code's language is not read
    said = unmarked(text)
    assert [c for c in said if c.isalpha()] == [c for c in text if c.isalpha()]


@given(MARKS)
def test_nothing_but_stops_is_added(text: str):
    text = clean(text)
    entities = "".join(c for c in text if c != "&")
    assert sum(map(str.isalnum, unmarked(entities))) <= sum(map(str.isalnum, entities))


@pytest.mark.parametrize(
    "text",
    [
        "# One title\nText goes on",
        "- One item\n- Another item",
        "|One|two|\n|-|-|\n|three|four|",
        "One line<br>another line",
    ],
)
def test_a_piece_that_ends_with_a_part_of_the_structure_has_its_pause(text: str):
    first, *_ = pieces(unmarked(text), 14)
    assert first.text in ("One title.", "One item.", "One, two.", "One line,")
    assert first.pause >= Cut.CLAUSE


@pytest.mark.parametrize(
    "unit",
    [
        *("*a ", "**a", "_a_", "[", "[a](", "![", "<b", "</", "&amp;", "`", "|a|b\n", "|a|b\n|-|-|\n", "> ", "- a\n"),
        *("- ", "==a", "$a", "$$a", "<!--", "-->", "[a]: http://b\n", "[^a]", "```\n", "~~a", "a*a", "✅ ", ":a_"),
    ],
)
def test_a_long_text_of_one_mark_is_read_in_linear_time(unit: str):
    """Half a second at most on an idle machine; what is quadratic takes a minute."""
    start = time.process_time()
    unmarked(unit * (25_000 // len(unit)))
    assert time.process_time() - start < 5
