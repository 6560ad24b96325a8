import time
from itertools import islice

import pytest
import regex
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ttsai_server.text.clean import speakable
from ttsai_server.text.split import Cut, Piece, pieces

PROSE = (
    "The history of the lighthouse is a story of people who refused to leave. Dr. Smith arrived at 5 p.m. on a cold "
    "evening, and nobody was there to meet him; the keeper, who had lived in the tower for thirty years, had gone down "
    'to the village (as he did every Friday) to buy bread, lamp oil and tobacco. "Why?" he asked. Nobody answered.'
)
TEXTS = st.text(
    st.sampled_from("abcé 1.,;:!?…—()\"'«»。、！।\n\t-😀\u0301\u200dकि字") | st.characters(codec="utf-8"), max_size=300
)
SIZES = st.integers(1, 120)


def cut(text: str, longest: int = 200, language: str = "en") -> list[Piece]:
    return list(pieces(text, longest, language))


def said(text: str, longest: int = 200, language: str = "en") -> list[str]:
    return [piece.text for piece in cut(text, longest, language)]


def letters(text: str) -> str:
    return "".join(regex.findall(r"[\p{L}\p{N}]", text))


@given(TEXTS, SIZES)
@example("...a...", 1)
@example("\n \n\na\n\n.\n\n", 5)
@settings(max_examples=500)
def test_pieces_tile_the_text(text: str, longest: int):
    assume(speakable(text))
    found = cut(text, longest)
    assert "".join(text[p.start : p.end] for p in found) == text
    assert [p.start for p in found] == [0, *(p.end for p in found[:-1])]


@given(TEXTS, SIZES)
@settings(max_examples=500)
def test_every_letter_and_digit_is_said_once_and_in_order(text: str, longest: int):
    assert letters("".join(said(text, longest))) == letters(text)


@given(TEXTS, SIZES)
@settings(max_examples=500)
def test_every_piece_can_be_said(text: str, longest: int):
    assert all(speakable(piece) for piece in said(text, longest))


@given(TEXTS.filter(lambda text: "\n" not in text), SIZES)
@settings(max_examples=500)
def test_no_piece_is_too_long(text: str, longest: int):
    assert all(len(piece) <= longest for piece in said(text, longest))


@pytest.mark.parametrize("language", ["en", "hi", "ja", "zh", "xx", ""])
def test_any_language_will_do(language: str):
    assert said("One. Two.", language=language) == ["One. Two."]


@pytest.mark.parametrize(
    "sentence",
    [
        "Dr. Smith and Mrs. Jones met Prof. Lee.",
        "He paid $3.14 to the U.S. Treasury on Jan. 5.",
        "Some fruit, e.g. apples, i.e. red ones, is fine.",
        "Look at https://example.com/a.b?c=d today.",
        "We meet at 5 p.m. on Monday.",
        "Version 2.0.1 came out.",
        "J. R. R. Tolkien wrote it.",
    ],
)
def test_a_dot_is_not_always_an_end(sentence: str):
    limit = len(sentence) + 5
    assert said(f"{sentence} And then we left it at that.", limit) == [sentence, "And then we left it at that."]


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", 'She said: "Come in!"', "Then she left us there."),
        ("en", "Wait… what is this?", "Nothing at all, my friend."),
        ("es", "¿Qué tal está el Sr. García?", "¡Muy bien, muchas gracias!"),
        ("fr", "M. Dupont est arrivé hier soir.", "« Bonjour ! » dit-il à tous."),
        ("it", "Il sig. Rossi abita a Roma.", "Lavora in centro ogni giorno."),
        ("pt", "O Sr. Silva chegou às 5 da tarde.", "Ninguém o esperava na estação."),
        ("hi", "मेरा नाम राम है और मैं यहाँ हूँ।", "आप कैसे हैं और कहाँ हैं?"),
        ("ja", "今日は天気がとてもいいですね。", "公園へ一緒に行きましょう！"),
        ("zh", "你好，我叫王明，很高兴见到你。", "你叫什么名字？请告诉我。"),
    ],
)
def test_sentences_of_each_language(language: str, one: str, other: str):
    limit = max(len(one), len(other)) + 2
    gap = "" if language in ("ja", "zh") else " "
    assert said(one + gap + other, limit, language) == [one, other]


def test_short_sentences_share_a_piece():
    assert said("One. Two. Three.") == ["One. Two. Three."]


SENTENCES = st.lists(
    st.lists(st.text("abcdefgh", min_size=5, max_size=9), min_size=1, max_size=12).map(
        lambda words: f"{' '.join(words).capitalize()}."
    ),
    min_size=1,
    max_size=8,
)


@given(SENTENCES)
def test_no_piece_ends_inside_a_clause_where_sentences_are_short_enough(sentences: list[str]):
    longest = 2 * max(map(len, sentences))
    assert all(piece.endswith(".") for piece in said(" ".join(sentences), longest))


def test_a_sentence_too_long_is_cut_at_a_clause_where_there_is_one():
    first, *_ = cut("When the rain had stopped at last, everybody in the village came out to look at the river.", 60)
    assert (first.text, first.pause) == ("When the rain had stopped at last,", Cut.CLAUSE)


def test_it_is_cut_before_a_short_word_otherwise():
    assert said(PROSE, 60)[0] == "The history of the lighthouse is a story of people"


def test_a_semicolon_is_stronger_than_a_comma():
    assert said(PROSE, 150)[1].endswith("to meet him;")


def test_a_number_is_never_cut_at_its_comma():
    assert said("1,234,567,890 and 3,4 or 10:30 " * 5, 20)[0] == "1,234,567,890 and"


def test_one_long_word_is_cut_anywhere():
    assert [len(piece) for piece in said("a" * 500)] == [200, 200, 100]


def test_characters_as_seen_stay_whole():
    family = "👨‍👩‍👧"
    found = said(f"a{family}" * 40, 17)
    assert "".join(found).count(family) == 40
    assert all(piece.startswith("a") or piece.startswith(family) for piece in found)


def test_no_tiny_piece_is_left_at_the_end():
    assert min(len(piece) for piece in said("word " * 41 + "end.")) >= 50


@pytest.mark.parametrize(
    ("text", "pause"),
    [
        ("First part here.\n\nSecond part.", Cut.PARAGRAPH),
        ("First part here. Second part.", Cut.SENTENCE),
        ("First part here, second part.", Cut.CLAUSE),
        ("First part here second part.", Cut.NONE),
    ],
)
def test_the_pause_tells_what_was_cut(text: str, pause: float):
    assert cut(text, 18)[0].pause == pause


def test_a_longer_pause_for_a_stronger_cut():
    assert Cut.PARAGRAPH > Cut.SENTENCE > Cut.CLAUSE > Cut.NONE == 0


def test_short_lines_are_read_apart():
    assert said("To buy:\nmilk\neggs\nbread.") == ["To buy: milk, eggs, bread."]


def test_wrapped_lines_are_read_on():
    line = "This line of prose was wrapped by the client that sent it"
    assert said(f"{line}\nand it goes on here.") == [f"{line} and it goes on here."]


def test_a_paragraph_ends_a_piece():
    assert said("Chapter Two\n\nIt was late.") == ["Chapter Two", "It was late."]


def test_what_cannot_be_said_goes_with_its_neighbour():
    assert [(p.text, p.start, p.end) for p in cut("***\n\nHello.\n\n***\n\nBye.")] == [
        ("Hello.", 0, 18),
        ("Bye.", 18, 22),
    ]


@pytest.mark.parametrize("text", ["", " \n ", "...", "😀"])
def test_nothing_to_say_gives_no_pieces(text: str):
    assert cut(text) == []


@pytest.mark.parametrize("unit", ["a", "a ", "a,", "a\n", "(", "a\u0301", "Yes it is. ", " \n", "a\n\n", '"a. '])
def test_time_is_linear(unit: str):
    def cost(characters: int) -> float:
        text = unit * (characters // len(unit))
        start = time.process_time()
        assert sum(p.end - p.start for p in pieces(text, 200)) in (0, len(text))
        return time.process_time() - start

    short, long = (min(cost(characters) for _ in range(3)) for characters in (5000, 100_000))
    assert long < 100 * max(short, 0.002), "20 times if linear, 400 times if quadratic"


def test_the_first_piece_comes_before_the_text_is_read_through():
    def cost(count: int) -> float:
        start = time.process_time()
        assert len(list(islice(pieces(text, 200), count))) == count
        return time.process_time() - start

    text = f"{PROSE}\n\n" * 5000
    assert min(cost(1) for _ in range(3)) < cost(1000) / 10
