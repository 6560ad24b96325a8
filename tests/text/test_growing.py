"""A text that is spoken while it is being written."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.text.clean import clean
from ttsai_server.text.growing import GrowingText
from ttsai_server.text.markup import unmarked

MARKED = """## Making tea

**Boil the water. Then wait** a minute, [as they say](https://example.org/a_b). You need:

- *Green* tea, 5 g
- A `cup`, about 0.2 l
- Time

1. Pour it. Wait.
2. Drink it at 5 p.m. sharp, says Dr. Who.

| what | how |
|------|-----|
| tea  | hot |

Is that all? Yes! It costs $3.50 at most.
"""


def spoken(text: str, cuts: list[int]) -> list[str]:
    """What is ready after each part of the text, cut at these places."""
    growing = GrowingText("en")
    at = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    ready = [growing.add(text[start:end]) for start, end in pairwise(at)]
    return [*ready, growing.end()]


def plain(text: str) -> str:
    """As it is spoken, without blanks."""
    return re.sub(r"\s", "", text)


def test_a_sentence_is_ready_when_the_next_begins() -> None:
    growing = GrowingText("en")
    assert growing.add("It is ") == ""
    assert growing.add("raining.") == ""
    assert growing.add(" ") == ""
    assert growing.add("Take").strip() == "It is raining."
    assert growing.add(" an umbrella") == ""
    assert growing.end() == "Take an umbrella"


def test_an_abbreviation_and_a_number_end_no_sentence() -> None:
    growing = GrowingText("en")
    assert growing.add("Dr. Who pays 3.50 at 5 p.m. in the") == ""
    assert growing.add(" park. And").strip() == "Dr. Who pays 3.50 at 5 p.m. in the park."


def test_an_open_markup_is_waited_for() -> None:
    growing = GrowingText("en")
    assert growing.add("**Stop. Look") == ""
    assert growing.add(" around.** Then").strip() == "Stop. Look around."


def test_a_sign_that_is_no_markup_is_waited_for_until_its_line_ends() -> None:
    growing = GrowingText("en")
    assert growing.add("2 * 3 is 6. Good. ") == ""
    assert growing.add("Yes.\n\nNext").strip() == "2 * 3 is 6. Good. Yes."


@pytest.mark.parametrize("step", [1, 2, 3, 7, 40])
def test_markup_is_read_as_if_it_had_come_whole(step: int) -> None:
    ready = spoken(MARKED, list(range(0, len(MARKED), step)))
    assert plain("".join(ready)) == plain(unmarked(MARKED))
    assert sum(bool(part) for part in ready) > 5


@given(
    parts=st.lists(
        st.sampled_from(
            [
                "Yes. ",
                "No! ",
                "**bold** ",
                "**a. b** ",
                "`x. y` ",
                "# Head\n",
                "- one\n",
                "- two. Or three\n",
                "1. a\n",
                "\n",
                "Dr. Who ",
                "[a](b) ",
                "2*3 ",
                "word ",
                "|a|b|\n",
                "---\n",
                "```\ncode. More\n```\n",
                "What? ",
                "\n\n",
                "***",
                "_x_ ",
            ]
        ),
        max_size=20,
    ),
    cuts=st.lists(st.integers(0, 200), max_size=20),
)
def test_nothing_is_lost_or_changed_however_it_is_cut(parts: list[str], cuts: list[int]) -> None:
    text = "".join(parts)
    assert plain("".join(spoken(text, cuts))) == plain(clean(unmarked(clean(text))))
