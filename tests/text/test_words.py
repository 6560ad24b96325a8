import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.text.words import align, cut_spans, is_gap, word_spans

TEXTS = st.text(st.sampled_from("abcÉ 1.,'-—()「」。\n今日はカー한é\u0301ˈ"), max_size=40) | st.text(max_size=40)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's $5.50, isn't it?", ["It's", "$5.50,", "isn't", "it?"]),
        ("「今日は」 カード、OK", ["「今", "日", "は」", "カード、", "OK"]),
        ("", []),
    ],
)
def test_words_have_their_punctuation(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in word_spans(text)] == words


@given(TEXTS)
def test_all_but_the_spaces_is_in_a_word(text: str) -> None:
    spans = list(word_spans(text))
    assert "".join(text[start:end] for start, end in spans) == regex.sub(r"\s", "", text)
    assert spans == sorted(spans)


def test_a_tokenizer_cuts_words_that_are_not_parted_by_spaces() -> None:
    tokens = ["「", "今日", "は", "」", "東京", "、", "です", "。"]
    text = "「今日は」東京、です。"
    assert [text[a:b] for a, b in cut_spans(text, lambda _: tokens)] == ["「今日", "は」", "東京、", "です。"]


@given(st.lists(TEXTS, max_size=8), TEXTS)
def test_parts_are_in_order_and_do_not_overlap(words: list[str], whole: str) -> None:
    places = [place for part in align(words, whole) for place in part]
    assert places == sorted(places)
    assert all(0 <= place <= len(whole) for place in places)


@given(st.lists(st.text(st.sampled_from("abcd"), min_size=1, max_size=6), min_size=1, max_size=8))
def test_words_that_are_there_are_found(words: list[str]) -> None:
    whole = ", ".join(words)
    assert [whole[start:end] for start, end in align(words, whole)] == words


@given(st.lists(TEXTS, max_size=8), TEXTS)
def test_every_letter_is_in_a_part_if_any_is(words: list[str], whole: str) -> None:
    parts = align(words, whole)
    inside = {place for start, end in parts for place in range(start, end)}
    letters = {place for place, char in enumerate(whole) if not is_gap(char)}
    assert not inside or letters <= inside


def test_what_is_said_otherwise_goes_to_the_word_in_its_place() -> None:
    whole = "three million pounds in may"
    assert [whole[a:b] for a, b in align(["three pounds", "million", "im", "mai"], whole)] == [
        "three",
        "million pounds",
        "in",
        "may",
    ]
