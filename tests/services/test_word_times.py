"""From an engine's words to the client's: the engine of these tests says each character in a fixed time."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ttsai_server.audio.speech_encoder import SpeechEncoder
from ttsai_server.domain import Audio, SpokenWord, Word
from ttsai_server.services.word_times import WordTimes, WrittenText
from ttsai_server.text.clean import clean, speakable
from ttsai_server.text.markup import unmarked
from ttsai_server.text.pronunciations import pronounce
from ttsai_server.text.split import pieces
from ttsai_server.text.words import word_spans

RATE = 8000
SILENCE = 0.1
"""Seconds before the first and after the last word of a piece."""
PER_CHARACTER = 0.05
PARTS = [
    "**",
    "# ",
    "[",
    "](http://x)",
    "<b>",
    "&amp;",
    "\n",
    "\n\n",
    "- ",
    " ",
    ". ",
    ", ",
    "gif",
    "Word",
    "1",
    "é",
    "今日",
]
TEXTS = st.lists(st.sampled_from(PARTS) | st.text(max_size=4), max_size=25).map("".join)


def spoken(
    text: str, pronunciations: dict[str, str] | None = None, *, longest: int = 20, tempo: float = 1.0
) -> tuple[WordTimes, list[Word], float]:
    """→ the times, the words for subtitles, and how long the sound is."""
    plain = clean(unmarked(clean(text)))
    said = pronounce(plain, pronunciations or {})
    times, encoder = WordTimes(WrittenText.of(text, plain, said), tempo), SpeechEncoder("pcm", RATE, tempo=tempo)
    subtitled: list[Word] = []
    for piece in pieces(said.text, longest):
        times.begin(piece)
        silence = np.zeros((round(SILENCE * RATE), 1), np.float32)
        tone = np.full((round(PER_CHARACTER * RATE * len(piece.text)), 1), 0.5, np.float32)
        words = tuple(
            SpokenWord(piece.text[a:b], a, b, SILENCE + PER_CHARACTER * a, SILENCE + PER_CHARACTER * b)
            for a, b in word_spans(piece.text)
        )
        audio = Audio(np.concatenate([silence, tone, silence]), RATE, words=words)
        encoder.add(audio)
        times.hear(audio.words, encoder)
        start = encoder.piece_start
        encoder.end_piece(piece.pause)
        subtitled.extend(times.end(encoder, start))
    encoder.finish()
    return times, subtitled, encoder.seconds


def places(text: str, pronunciations: dict[str, str] | None = None) -> list[tuple[str, str]]:
    """(word, what is at its place in the text)."""
    times, _, _ = spoken(text, pronunciations)
    return [(word.text, text[word.start_char : word.end_char]) for word in times.words]


def test_words_are_as_they_are_written() -> None:
    assert places("# The **GIF**\n\nis [here](http://is.here), AT&amp;T.", {"GIF": "hot dog"}) == [
        ("The", "The"),
        ("GIF", "GIF"),
        ("is", "is"),
        ("here,", "here"),
        ("AT&T.", "AT&amp;T."),
    ]


def test_times_count_from_the_start_of_all_the_sound() -> None:
    times, _, _ = spoken("One two.\n\nThree.", longest=20)
    margin = 0.04  # what is kept of the silence before a piece
    starts = [margin, margin + 4 * PER_CHARACTER, margin + 8 * PER_CHARACTER + 0.6]
    assert np.allclose([word.start_seconds for word in times.words], starts, atol=0.011)


def test_sound_that_is_sped_up_has_earlier_words() -> None:
    slow, fast = (spoken("One two three four.", tempo=tempo)[0].words for tempo in (1.0, 2.0))
    assert np.isclose(fast[-1].start_seconds - fast[0].start_seconds, 14 * PER_CHARACTER / 2, atol=0.02)
    assert len(slow) == len(fast)


def test_subtitles_have_no_space_where_the_text_has_none() -> None:
    _, words, _ = spoken("今日 a")
    assert [(word.text, word.joined) for word in words] == [("今", False), ("日", True), ("a", False)]


@settings(max_examples=200)
@given(TEXTS, st.sampled_from([{}, {"gif": "hot dog"}, {"Word": "x"}]), st.sampled_from([1.0, 1.5]))
def test_words_are_in_order_in_the_text_and_in_the_sound(text: str, said: dict[str, str], tempo: float) -> None:
    times, subtitled, seconds = spoken(text, said, tempo=tempo)
    words = times.words
    chars = [at for word in words for at in (word.start_char, word.end_char)]
    assert all(a.start_char <= b.start_char for a, b in pairwise(words))
    assert all(0 <= at <= len(text) for at in chars)
    moments = [at for word in words for at in (word.start_seconds, word.end_seconds)]
    assert moments == sorted(moments)
    assert all(0 <= at <= seconds + 1e-9 for at in moments)
    assert len(subtitled) == len(words)


@given(TEXTS)
def test_every_word_of_the_text_without_markup_is_there(text: str) -> None:
    plain = clean(unmarked(clean(text)))
    if not speakable(plain):
        return
    times, _, _ = spoken(text)
    written = "".join(char for char in plain if char.isalnum())
    assert "".join(char for word in times.words for char in word.text if char.isalnum()) == written
