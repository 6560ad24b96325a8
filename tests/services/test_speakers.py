"""Who said which word, and what is written of it."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.domain import Segment, Turn, Word
from ttsai_server.services.speakers import Labeller

ANNA, BERT, CLEO = 7, 3, 5
"""As a diarizer numbers them: by its own count."""


def words(text: str, start: float = 0.0, each: float = 0.5) -> tuple[Word, ...]:
    """Words of half a second, one after the other."""
    return tuple(Word(w, start + i * each, start + (i + 1) * each, 1.0) for i, w in enumerate(text.split()))


def sentence(text: str, start: float = 0.0, each: float = 0.5) -> Segment:
    said = words(text, start, each)
    return Segment(text, said[0].start, said[-1].end, said, tokens=(1, 2))


def labelled(turns: tuple[Turn, ...], *segments: Segment) -> list[tuple[str, str]]:
    return [(segment.speaker, segment.text) for segment in Labeller(turns)(segments)]


def test_a_sentence_of_one_speaker_stays_as_it_is() -> None:
    before = sentence("Good morning to you.")
    (after,) = Labeller((Turn(0, 3, ANNA),))((before,))
    assert (after.text, after.start, after.end, after.tokens) == (before.text, before.start, before.end, before.tokens)


def test_labels_follow_the_first_word_not_the_diarizers_count() -> None:
    turns = (Turn(0, 1, ANNA), Turn(1, 2, BERT), Turn(2, 3, ANNA))
    said = [sentence("One two", start) for start in (0.0, 1.0, 2.0)]
    assert [label for label, _ in labelled(turns, *said)] == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_00"]


def test_a_speaker_of_no_word_has_no_label() -> None:
    turns = (Turn(0, 1, CLEO), Turn(1, 2, ANNA), Turn(2, 3, BERT))
    assert [label for label, _ in labelled(turns, sentence("a b", 1), sentence("c d", 2))] == [
        "SPEAKER_00",
        "SPEAKER_01",
    ]


def test_labels_are_kept_from_passage_to_passage() -> None:
    label = Labeller((Turn(0, 1, ANNA), Turn(1, 2, BERT), Turn(2, 3, ANNA)))
    partials = [label((sentence("One two", start),)) for start in (0.0, 1.0, 2.0)]
    assert [partial[0].speaker for partial in partials] == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_00"]


def test_a_sentence_is_split_where_the_speaker_changes() -> None:
    turns = (Turn(0, 1.5, ANNA), Turn(1.5, 3, BERT))
    assert labelled(turns, sentence("How are you? I am well.")) == [
        ("SPEAKER_00", "How are you?"),
        ("SPEAKER_01", "I am well."),
    ]


def test_the_parts_of_a_split_sentence_touch_at_the_word() -> None:
    one, other = Labeller((Turn(0, 1.5, ANNA), Turn(1.5, 3, BERT)))((sentence("How are you? I am well."),))
    assert (one.start, one.end, other.start, other.end) == (0.0, 1.5, 1.5, 3.0)


def test_words_have_the_label_of_their_part() -> None:
    parts = Labeller((Turn(0, 1.5, ANNA), Turn(1.5, 3, BERT)))((sentence("How are you? I am well."),))
    assert all(word.speaker == part.speaker for part in parts for word in part.words)


def test_words_that_are_written_together_stay_so() -> None:
    said = (Word("你", 0, 0.5, 1), Word("好", 0.5, 1, 1, joined=True), Word("再", 1, 1.5, 1, joined=True))
    parts = Labeller((Turn(0, 1, ANNA), Turn(1, 1.5, BERT)))((Segment("你好再", 0, 1.5, said),))
    assert [part.text for part in parts] == ["你好", "再"]


def test_a_word_between_turns_goes_to_the_nearest() -> None:
    turns = (Turn(0, 0.9, ANNA), Turn(3, 5, BERT))
    assert [label for label, _ in labelled(turns, sentence("one", 1.0), sentence("two", 2.4))] == [
        "SPEAKER_00",
        "SPEAKER_01",
    ]


def test_words_after_the_last_turn_are_the_last_speakers() -> None:
    assert [
        label for label, _ in labelled((Turn(0, 1, ANNA), Turn(1, 2, BERT)), sentence("a", 0), sentence("b", 9))
    ] == [
        "SPEAKER_00",
        "SPEAKER_01",
    ]


def test_a_word_is_whose_turns_cover_most_of_it() -> None:
    turns = (Turn(0, 1.2, ANNA), Turn(1.2, 3, BERT))
    parts = labelled(turns, sentence("one two three four five six"))
    assert [text for _, text in parts] == ["one two", "three four five six"]


def test_a_flicker_in_the_middle_of_a_sentence_is_smoothed() -> None:
    turns = (Turn(0, 1.0, ANNA), Turn(1.0, 1.26, BERT), Turn(1.26, 3, ANNA))
    assert len(labelled(turns, sentence("one two three four five six"))) == 1


def test_a_word_put_in_by_another_is_none() -> None:
    turns = (Turn(0, 1.0, ANNA), Turn(1.0, 1.5, BERT), Turn(1.5, 3, ANNA))
    assert [text for _, text in labelled(turns, sentence("So then Really? yes I went"))] == [
        "So then",
        "Really?",
        "yes I went",
    ]


def test_a_last_word_that_hardly_reaches_into_the_next_turn_is_not_parted() -> None:
    turns = (Turn(0, 1.24, ANNA), Turn(1.24, 3, BERT))
    assert labelled(turns, sentence("one two three"))[0] == ("SPEAKER_00", "one two three")


def test_a_segment_without_words_is_whose_turns_cover_most_of_it() -> None:
    turns = (Turn(0, 1, ANNA), Turn(1, 4, BERT), Turn(4, 5, ANNA))
    assert Labeller(turns)((Segment("x", 0, 0.5), Segment("y", 0, 5)))[1].speaker == "SPEAKER_01"


def test_without_turns_it_is_one_speaker() -> None:
    assert [label for label, _ in labelled((), sentence("a b"), sentence("c d", 8))] == ["SPEAKER_00", "SPEAKER_00"]


TIMES = st.lists(st.floats(0, 60), min_size=2, max_size=20).map(sorted)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[tuple[Turn, ...], tuple[Segment, ...]]:
    cuts = draw(TIMES)
    turns = tuple(Turn(a, b, draw(st.integers(0, 3))) for a, b in pairwise(cuts))
    starts = draw(st.lists(st.floats(0, 60), max_size=5).map(sorted))
    texts = draw(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=6), min_size=5, max_size=5))
    return turns, tuple(sentence(" ".join(t), s, 0.3) for s, t in zip(starts, texts, strict=False))


@given(conversations())
def test_no_word_is_lost_or_moved(conversation: tuple[tuple[Turn, ...], tuple[Segment, ...]]) -> None:
    turns, segments = conversation
    parts = Labeller(turns)(segments)
    assert " ".join(part.text for part in parts) == " ".join(segment.text for segment in segments)


@given(conversations())
def test_labels_come_in_order_without_a_gap(conversation: tuple[tuple[Turn, ...], tuple[Segment, ...]]) -> None:
    turns, segments = conversation
    seen = list(dict.fromkeys(part.speaker for part in Labeller(turns)(segments)))
    assert seen == [f"SPEAKER_{i:02d}" for i in range(len(seen))]
