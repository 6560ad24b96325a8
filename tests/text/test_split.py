import time

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
SIZES = st.tuples(st.integers(1, 60), st.integers(1, 120))


def cut(text: str, first: int = 60, longest: int = 200, language: str = "en") -> list[Piece]:
    return list(pieces(text, first, longest, language))


def said(text: str, first: int = 60, longest: int = 200, language: str = "en") -> list[str]:
    return [piece.text for piece in cut(text, first, longest, language)]


def letters(text: str) -> str:
    return "".join(regex.findall(r"[\p{L}\p{N}]", text))


@given(TEXTS, SIZES)
@example("...a...", (1, 1))
@example("\n \n\na\n\n.\n\n", (3, 5))
@settings(max_examples=500)
def test_pieces_tile_the_text(text: str, sizes: tuple[int, int]):
    assume(speakable(text))
    found = cut(text, *sizes)
    assert "".join(text[p.start : p.end] for p in found) == text
    assert [p.start for p in found] == [0, *(p.end for p in found[:-1])]


@given(TEXTS, SIZES)
@settings(max_examples=500)
def test_every_letter_and_digit_is_said_once_and_in_order(text: str, sizes: tuple[int, int]):
    assert letters("".join(said(text, *sizes))) == letters(text)


@given(TEXTS, SIZES)
@settings(max_examples=500)
def test_every_piece_can_be_said(text: str, sizes: tuple[int, int]):
    assert all(speakable(piece) for piece in said(text, *sizes))


@given(TEXTS.filter(lambda text: "\n" not in text), SIZES)
@settings(max_examples=500)
def test_no_piece_is_too_long(text: str, sizes: tuple[int, int]):
    first, longest = sizes
    found = said(text, first, longest)
    assert all(len(piece) <= longest for piece in found)
    assert all(len(piece) <= first for piece in found[:1])


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
    assert said(f"{sentence} And then we left it at that.", limit, limit) == [sentence, "And then we left it at that."]


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
    assert said(one + gap + other, limit, limit, language) == [one, other]


def test_short_sentences_share_a_piece():
    assert said("One. Two. Three.", 60, 200) == ["One. Two. Three."]


def test_sizes_grow_to_the_longest():
    assert [len(piece) for piece in said("word " * 200, 60, 200)][:3] == [59, 119, 199]


def test_the_first_piece_ends_at_a_clause_where_there_is_one():
    first, *_ = cut("When the rain had stopped at last, everybody in the village came out to look at the river.")
    assert (first.text, first.pause) == ("When the rain had stopped at last,", Cut.CLAUSE)


def test_the_first_piece_ends_before_a_short_word_otherwise():
    assert said(PROSE)[0] == "The history of the lighthouse is a story of people"


def test_a_semicolon_is_stronger_than_a_comma():
    assert said(PROSE)[1].endswith("to meet him;")


def test_a_number_is_never_cut_at_its_comma():
    assert said("1,234,567,890 and 3,4 or 10:30 " * 5, 20, 30)[0] == "1,234,567,890 and"


def test_one_long_word_is_cut_anywhere():
    assert [len(piece) for piece in said("a" * 500, 60, 200)] == [60, 120, 200, 120]


def test_characters_as_seen_stay_whole():
    family = "👨‍👩‍👧"
    found = said(f"a{family}" * 40, 17, 17)
    assert "".join(found).count(family) == 40
    assert all(piece.startswith("a") or piece.startswith(family) for piece in found)


def test_no_tiny_piece_is_left_at_the_end():
    assert min(len(piece) for piece in said("word " * 41 + "end.", 200, 200)) >= 50


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
    assert cut(text, 18, 20)[0].pause == pause


def test_a_longer_pause_for_a_stronger_cut():
    assert Cut.PARAGRAPH > Cut.SENTENCE > Cut.CLAUSE > Cut.NONE == 0


def test_short_lines_are_read_apart():
    assert said("To buy:\nmilk\neggs\nbread.") == ["To buy: milk, eggs, bread."]


def test_wrapped_lines_are_read_on():
    line = "This line of prose was wrapped by the client that sent it"
    assert said(f"{line}\nand it goes on here.", 200, 200) == [f"{line} and it goes on here."]


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
        assert sum(p.end - p.start for p in pieces(text, 60, 200)) in (0, len(text))
        return time.process_time() - start

    cost(10_000)
    assert cost(200_000) < 40 * max(cost(10_000), 0.002)


def test_the_first_piece_comes_before_the_text_is_read_through():
    text = f"{PROSE}\n\n" * 5000
    start = time.process_time()
    next(pieces(text, 60, 200))
    assert time.process_time() - start < 0.02
