import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.text.clean import clean
from ttsai_server.text.markup import unmarked, without_addresses
from ttsai_server.text.pronunciations import pronounce
from ttsai_server.text.source_map import SourceMap, traced
from ttsai_server.text.words import word_spans

MARKS = ["**", "# ", "[", "](", ")", "<b>", "</b>", "&amp;", "`", "\n", "\n\n", "- ", " ", ". ", "a", "word", "1", "é"]
MARKDOWN = st.lists(st.sampled_from(MARKS) | st.text(max_size=5), max_size=30).map("".join)


def origins(source: str, made: SourceMap) -> list[tuple[str, str]]:
    """(word of what was made, where it comes from)."""
    spans = list(word_spans(made.text))
    return [(made.text[a:b], source[slice(*made.span(a, b))]) for a, b in spans]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Plain text.", "Plain=Plain text.=text."),
        ("A **bold** move", "A=A bold=bold move=move"),
        ("# Title\n\nText", "Title.=Title Text=Text"),
        ('see <a href="see">see</a> it', "see=see see=see it=it"),
        ("[one](http://one.two/three) two three", "one=one two=two three=three"),
        ("AT&amp;T", "AT&T=AT&amp;T"),
        ("**API**s", "APIs=API**s"),
        ("cafe\u0301 co\u00adop", "café=cafe\u0301 coop=co\u00adop"),
        ("[Ann]: Hello, you", "[Ann]:=[Ann]: Hello,=Hello, you=you"),
        ("a <!-- a b --> b", "a=a b=b"),
    ],
)
def test_words_come_from_where_they_are_written(text: str, words: str) -> None:
    made = traced(without_addresses(text), clean(unmarked(clean(text))))
    assert " ".join(f"{word}={origin}" for word, origin in origins(text, made)) == words


def test_a_pronunciation_comes_from_the_word_that_it_replaces() -> None:
    text = "The GIF, a gif"
    said = pronounce(text, {"gif": "hot dog"})
    assert origins(text, said) == [
        ("The", "The"), ("hot", "GIF"), ("dog,", "GIF,"), ("a", "a"), ("hot", "gif"), ("dog", "gif"),
    ]  # fmt: skip


@given(MARKDOWN)
def test_all_of_the_text_has_a_place_in_order(text: str) -> None:
    plain = clean(unmarked(clean(text)))
    made = traced(without_addresses(text), plain)
    assert made.text == plain
    assert len(made.starts) == len(made.ends) == len(plain)
    assert list(made.starts) == sorted(made.starts)
    assert all(0 <= start <= end <= len(text) for start, end in zip(made.starts, made.ends, strict=True))


@given(st.text(max_size=40))
def test_words_of_a_text_without_markup_come_from_themselves(text: str) -> None:
    spaced = regex.sub(r"\s+", " ", text)
    for word, origin in origins(text, traced(text, spaced)):
        assert word == origin


@given(MARKDOWN)
def test_addresses_are_blanked_and_nothing_moves(text: str) -> None:
    blanked = without_addresses(text)
    assert len(blanked) == len(text)
    assert all(new in (old, " ") for old, new in zip(text, blanked, strict=True))
