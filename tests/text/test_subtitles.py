import html
import io
import time
from collections.abc import Iterator
from itertools import pairwise

import av
import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ttsai_server.domain import Segment, Word
from ttsai_server.text.subtitles import LINE, Cue, cues, spread, srt, subtitles, timed_words, vtt

LETTERS = "abcÉ 1.,;:!?…—()\"'«»。、！।\n\t-<>&😀\u0301\u200dकि字カ한"
TEXTS = st.text(st.sampled_from(LETTERS), max_size=12) | st.text(max_size=60) | st.sampled_from(["no.", "Dr.", "I"])
TIMES = st.sampled_from([0.0, 0.0, 0.1, 0.25, 0.5, 1.5, 3600.0]) | st.floats(0, 9) | st.floats(-2, 0)
SPEAKERS = st.sampled_from(["", "", "SPEAKER_00", "SPEAKER_01"])


@st.composite
def spoken(draw: st.DrawFn) -> list[Word]:
    """Words with every fault in their times that engines are known for."""
    words: list[Word] = []
    at = draw(st.floats(0, 100))
    for text, gap, length in draw(st.lists(st.tuples(TEXTS, TIMES, TIMES), max_size=60)):
        start = max(0.0, at + gap)
        at = start + abs(length)
        words.append(Word(text, start, at, 1.0, draw(SPEAKERS), draw(st.booleans())))
    return words


def said(text: str, start: float = 0.0, pace: float = 15.0, speaker: str = "") -> list[Word]:
    """Words at `pace` characters a second."""
    return list(spread(Segment(text, start, start + len(text) / pace, speaker=speaker)))


def lines(text: str, pace: float = 15.0) -> list[tuple[str, ...]]:
    return [cue.lines for cue in cues(said(text, pace=pace))]


def solid(text: str) -> str:
    return "".join(text.replace("\0", " ").split())


def wide(line: str) -> float:
    return sum(LINE / 16 if regex.match(r"[\p{Han}\p{Katakana}\p{Hangul}。、！😀]", char) else 1 for char in line)


@given(spoken())
@settings(max_examples=150)
def test_every_character_is_shown_once_in_order_by_its_speaker(words: list[Word]):
    shown = [(char, cue.speaker) for cue in cues(words) for line in cue.lines for char in solid(line)]
    assert shown == [(char, word.speaker) for word in words for char in solid(word.text)]


@given(st.lists(st.from_regex(r"\A\w{1,20}[.,]?\Z"), max_size=80))
def test_words_stay_parted(texts: list[str]):
    words = [Word(text, i / 3, i / 3 + 0.2, 1.0) for i, text in enumerate(texts)]
    shown = " ".join(line for cue in cues(words) for line in cue.lines)
    assert shown.split() == texts


@given(spoken())
@settings(max_examples=150)
def test_no_more_than_two_lines_of_42_characters(words: list[Word]):
    for cue in cues(words):
        label = f"{cue.speaker}: " if cue.speaker else ""
        assert 1 <= len(cue.lines) <= 2
        assert len(label + cue.lines[0]) <= LINE
        assert all(0 < len(line) <= LINE for line in cue.lines)


@given(st.text(st.sampled_from("字カ한a。、！😀 "), max_size=200))
def test_a_full_width_character_takes_more_room(text: str):
    assert all(wide(line) <= LINE for cue in lines(text) for line in cue)


@given(spoken())
@settings(max_examples=150)
def test_none_lies_over_the_next(words: list[Word]):
    assert all(one.end <= other.start for one, other in pairwise(cues(words)))


@given(spoken())
@settings(max_examples=150)
def test_each_is_seen(words: list[Word]):
    assert all(0 <= cue.start < cue.end <= cue.start + 7000 for cue in cues(words))


@given(spoken())
@settings(max_examples=150)
def test_a_short_one_stays_until_the_next(words: list[Word]):
    found = list(cues(words))
    assert all(one.end - one.start >= 833 or one.end == other.start for one, other in pairwise(found))
    assert all(cue.end - cue.start >= 833 for cue in found[-1:])


@given(spoken())
def test_a_pause_of_more_than_a_second_begins_a_new_one(words: list[Word]):
    shown = [word for word in words if solid(word.text)]
    pauses = sum(other.start - one.end > 1 for one, other in pairwise(shown))
    assert sum(1 for _ in cues(words)) >= pauses + bool(shown)


@pytest.mark.parametrize("form", ["srt", "webvtt"])
@given(words=spoken())
@settings(max_examples=50)
def test_players_read_the_times(form: str, words: list[Word]):
    found = [cue for cue in cues(words) if regex.search(r"[\p{L}\p{N}]", "".join(cue.lines))]
    file = "".join((srt if form == "srt" else vtt)(found))
    assert read_by_ffmpeg(file, form) == [(cue.start, cue.end) for cue in found]


def read_by_ffmpeg(file: str, form: str) -> list[tuple[int, int]]:
    if not regex.search(r" --> ", file):
        return []
    with av.open(io.BytesIO(file.encode()), "r", format=form) as container:
        # the last packet is a flush, without a time
        return [(p.pts, p.pts + (p.duration or 0)) for p in container.demux() if p.pts is not None]


def test_a_sentence_has_a_subtitle_of_its_own():
    assert lines("Nobody was there to meet him. The keeper had gone down.") == [
        ("Nobody was there to meet him.",),
        ("The keeper had gone down.",),
    ]


def test_sentences_too_short_to_be_read_share_one():
    assert lines("Nobody answered. Yes. No. I see.") == [("Nobody answered. Yes. No. I see.",)]


def test_a_long_sentence_is_cut_at_a_comma():
    text = "The keeper, who had lived there for thirty years, went to the village to buy bread and oil for the lamp."
    assert lines(text) == [
        ("The keeper, who had lived there", "for thirty years,"),
        ("went to the village to buy bread", "and oil for the lamp."),
    ]


def test_parts_without_punctuation_are_of_about_one_length():
    sizes = [sum(map(len, cue)) for cue in lines("and then we went on and on through the rain " * 4)]
    assert max(sizes) < 1.3 * min(sizes)


def test_a_line_breaks_at_a_comma():
    assert lines("When it had stopped raining, we all went out into the garden.") == [
        ("When it had stopped raining,", "we all went out into the garden.")
    ]


def test_a_line_breaks_before_a_short_word_otherwise():
    assert lines("This is the story of some people who refused to leave") == [
        ("This is the story of some people", "who refused to leave")
    ]


@pytest.mark.parametrize("words", ["Dr. Smith", "J. Smith", "(Mr. Smith)", "p.m. or so"])
def test_a_dot_is_not_always_an_end(words: str):
    assert len(lines(f"We had been waiting for {words} to come in from there.", pace=10)) == 1


def test_a_pause_ends_a_subtitle():
    words = [Word("going", 0, 1.5, 1.0), Word("on", 2.6, 4, 1.0)]
    assert [cue.lines for cue in cues(words)] == [("going",), ("on",)]


def test_slow_words_are_shown_when_they_are_said():
    words = [Word("slow", i, i + 0.5, 1.0) for i in range(14)]
    found = [(cue.start, cue.end, len(cue.lines[0].split())) for cue in cues(words)]
    assert found == [(0, 6500, 7), (7000, 13500, 7)]


def test_one_that_fits_a_line_has_one_line():
    assert lines("a" * 20 + " " + "b" * 21) == [("a" * 20 + " " + "b" * 21,)]


def test_a_word_longer_than_a_line_goes_on_in_the_next():
    assert lines("https://example.com/" + "a" * 50) == [("https://example.com/" + "a" * 22, "a" * 28)]


def test_characters_as_seen_stay_whole():
    family = "👨‍👩‍👧"
    shown = "".join(line for cue in lines(family * 40) for line in cue)
    assert shown == family * 40
    assert all(line.startswith("👨") for cue in lines(family * 40) for line in cue)


def test_chinese_has_16_characters_a_line():
    assert [len(line) for line in lines("字" * 32, pace=5)[0]] == [16, 16]


def test_a_blank_within_a_word_breaks_nothing():
    (cue,) = cues([Word("10\n\n000", 0, 1, 1.0)])
    assert cue.lines == ("10 000",)


def test_another_speaker_begins_a_new_one():
    words = said("Come in,", speaker="SPEAKER_00") + said("I said.", 0.6, speaker="SPEAKER_01")
    assert [(cue.lines, cue.speaker) for cue in cues(words)] == [
        (("Come in,",), "SPEAKER_00"),
        (("I said.",), "SPEAKER_01"),
    ]


def test_a_subtitle_lasts_until_it_can_be_read():
    (cue,) = cues([Word("incomprehensibilities", 1, 1.2, 1.0)])
    assert (cue.start, cue.end) == (1000, 1000 + round(21 / 17 * 1000))


def test_a_subtitle_lasts_as_long_as_it_is_spoken():
    (cue,) = cues([Word("Well.", 1, 5, 1.0)])
    assert (cue.start, cue.end) == (1000, 5000)


def test_words_at_one_instant_are_shown_one_after_the_other():
    found = list(cues([Word("instantaneous", 5, 5, 1.0)] * 20))
    assert [cue.start for cue in found] == [5000 + i for i in range(len(found))]


def test_the_first_comes_before_the_last_word_is_known():
    def words() -> Iterator[Word]:
        yield from said("One sentence is over. Another one is over. So is the third one. The fourth")
        pytest.fail("read on")

    assert next(cues(words())).lines == ("One sentence is over.",)


def test_time_is_linear():
    def cost(times: int) -> float:
        words = said("A sentence of some words, and of a clause. 今天天气非常好" * times)
        start = time.process_time()
        assert sum(1 for _ in cues(words)) > times
        return time.process_time() - start

    short, long = (min(cost(times) for _ in range(3)) for times in (20, 400))
    assert long < 100 * max(short, 0.002), "20 times if linear, 400 times if quadratic"


def test_srt_names_the_speaker():
    cue = Cue(1500, 3_723_004, ("Come in,", "please."), "SPEAKER_00")
    assert "".join(srt([cue])) == "1\n00:00:01,500 --> 01:02:03,004\nSPEAKER_00: Come in,\nplease.\n\n"


def test_srt_text_looks_like_no_time():
    assert "a -> b" in "".join(srt([Cue(0, 1, ("a --> b",))]))


def test_vtt_names_the_speaker():
    cue = Cue(1500, 3_723_004, ("Come in,", "please."), "SPEAKER_00")
    assert "".join(vtt([cue])) == "WEBVTT\n\n00:00:01.500 --> 01:02:03.004\n<v SPEAKER_00>Come in,\nplease.\n\n"


@given(st.text(st.sampled_from("ab&<>-;"), min_size=1, max_size=LINE))
def test_vtt_text_is_escaped(text: str):
    written = "".join(vtt([Cue(0, 1, (text,))])).split("\n")[3]
    assert not regex.search("[<>]|&(?!amp;|lt;|gt;)", written)
    assert html.unescape(written) == text


def test_no_words_are_an_empty_file():
    assert ("".join(subtitles([], "srt")), "".join(subtitles([], "vtt"))) == ("", "WEBVTT\n\n")


@given(
    st.text(st.sampled_from(LETTERS) | st.characters(codec="utf-8"), max_size=100), st.floats(0, 1e5), st.floats(0, 60)
)
@example("「「「「「字」", 0, 1)
def test_spread_words_are_the_text(text: str, start: float, length: float):
    words = spread(Segment(text, start, start + length))
    assert "".join(word.text for word in words) == "".join(text.split())


@given(st.text(st.sampled_from(LETTERS), max_size=100), st.floats(0, 1e5), st.floats(0, 60))
def test_spread_words_follow_each_other_within_the_segment(text: str, start: float, length: float):
    words = spread(Segment(text, start, start + length))
    assert all(start <= word.start <= word.end <= start + length for word in words)
    assert all(one.end == other.start for one, other in pairwise(words))


def test_a_longer_word_takes_more_time():
    assert [(w.start, w.end) for w in spread(Segment("one three", 10, 18))] == [(10, 13), (13, 18)]


def test_characters_of_a_text_without_spaces_are_words():
    words = spread(Segment("「你好，王明」 コンピュータ", 0, 1))
    assert [(w.text, w.joined) for w in words] == [
        ("「你", True),
        ("好，", True),
        ("王", True),
        ("明」", True),
        ("コンピュータ", False),
    ]


def test_spread_words_have_the_segments_speaker():
    assert {w.speaker for w in spread(Segment("one two", 0, 1, speaker="SPEAKER_01"))} == {"SPEAKER_01"}


def test_an_engines_own_words_are_taken():
    word = Word("one", 0.2, 0.4, 0.9)
    segments = [Segment("one", 0, 1, (word,)), Segment("two", 1, 2)]
    assert [w.start for w in timed_words(segments)] == [0.2, 1]
