"""Kokoro tells when it says each word: the truth is silence whose place is known, or heard in the sound."""

from collections.abc import Generator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.engines.sibilants import TEXT, hiss

from ttsai_server.audio.speech_encoder import SpeechEncoder
from ttsai_server.domain import Preset, SpeechRequest, SpokenWord
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.kokoro.adapter import PACE, Kokoro
from ttsai_server.services.word_times import WordTimes, WrittenText
from ttsai_server.settings import Settings
from ttsai_server.text.pronunciations import pronounce
from ttsai_server.text.split import pieces

RATE = PACE.rate
CLOSE = 0.05
"""Seconds by which a time may be wrong."""
QUIET = 10 ** (-38 / 20)
PAUSE = 0.1
"""Seconds of silence that are no part of a consonant."""
TEXTS = {
    "en-us": ("af_heart", "On May 5, it cost $20; however, nobody came."),
    "en-gb": ("bf_emma", "My mother is 80 years old. She never came back; nobody knew why."),
    "es": ("ef_dora", "El 5 de mayo llegó la ONU. Nadie lo sabía; todos ganaron."),
    "fr": ("ff_siwis", "Les amis ont payé 20 €. Personne ne le savait; tout va bien."),
    "it": ("if_sara", "Il 5 maggio la mamma è venuta. Nessuno lo sapeva; tutto bene."),
    "pt-br": ("pf_dora", "No dia 5 de maio a mamãe veio. Ninguém sabia; tudo bem."),
    "hi": ("hf_alpha", "5 मई को माँ आ गई। किसी को पता नहीं था; सब ठीक है।"),
    "ja": ("jf_alpha", "明日は東京で会議があります。誰も知りませんでした。"),
    "zh": ("zf_xiaobei", "今天我们去北京看朋友。没有人知道这件事。"),
}
NEEDS = {"ja": "fugashi", "zh": "jieba"}


@pytest.fixture(scope="module")
def engine(kokoro_weights: Path) -> Generator[Kokoro]:
    card = read_card(Settings().models.cards / "kokoro.toml")
    Kokoro.prepare(card, kokoro_weights)
    loaded = Kokoro.load(card, LoadContext(kokoro_weights))
    yield loaded
    loaded.close()


def request(language: str, **changes: object) -> SpeechRequest:
    voice, text = TEXTS[language]
    return replace(SpeechRequest(text, (Preset(voice),), language, timestamps=True), **changes)  # pyright: ignore[reportArgumentType]


def said(engine: Kokoro, asked: SpeechRequest) -> tuple[NDArray[np.float32], list[SpokenWord]]:
    parts = list(engine.synthesize(asked, Cancellation()))
    words = [word for part in parts for word in part.words]
    return np.concatenate([part.samples[:, 0] for part in parts]), words


def pauses(sound: NDArray[np.float32]) -> list[tuple[float, float]]:
    """Silences within the sound, seconds."""
    step = RATE // 100
    blocks = sound[: len(sound) // step * step].reshape(-1, step)
    loud = np.flatnonzero(np.sqrt(np.mean(blocks**2, axis=1)) > QUIET * np.max(np.abs(sound)))
    return [(float(a + 1) / 100, float(b) / 100) for a, b in pairwise(loud) if b - a - 1 >= 100 * PAUSE]


@pytest.mark.parametrize("language", TEXTS)
def test_words_are_written_words_and_pauses_are_between_them(engine: Kokoro, language: str) -> None:
    if language in NEEDS:
        pytest.importorskip(NEEDS[language])
    asked = request(language)
    sound, words = said(engine, asked)
    letters = [char for char in asked.text if char.isalnum()]
    assert [char for word in words for char in word.text if char.isalnum()] == letters
    assert all(word.text == asked.text[word.start_char : word.end_char] for word in words)
    moments = [at for word in words for at in (word.start_seconds, word.end_seconds)]
    assert moments == sorted(moments)
    assert moments[-1] <= len(sound) / RATE
    silences = pauses(sound)
    between = [(a.end_seconds, b.start_seconds) for a, b in pairwise(words)]
    nearest = [min(max(abs(a - start), abs(b - end)) for a, b in between) for start, end in silences]
    assert silences
    assert np.mean(np.array(nearest) <= CLOSE) >= 0.75


def test_words_joined_with_known_silences_are_where_they_were_put(engine: Kokoro) -> None:
    text = "\n\n".join(
        ["Garden", "**Elephant**", "$5", "William", "Butter", "Yellow", "Anna", "Nobody", "2020", "Rivers"]
    )
    plain = text.replace("*", "")
    times, encoder = WordTimes(WrittenText.of(text, plain, pronounce(plain, {})), 1.0), SpeechEncoder("pcm", RATE)
    made = bytearray()
    for piece in pieces(plain, 10):
        times.begin(piece)
        for audio in engine.synthesize(request("en-us", text=piece.text), Cancellation()):
            made += encoder.add(audio)
            times.hear(audio.words, encoder)
        start = encoder.piece_start
        made += encoder.end_piece(piece.pause)
        times.end(encoder, start)
    made += encoder.finish()
    heard = (np.frombuffer(bytes(made), np.int16) / 32768).astype(np.float32)
    edges = [
        0.0,
        *(at for pause in pauses(heard) if pause[1] - pause[0] > 0.4 for at in pause),
        times.words[-1].end_seconds,
    ]
    wrong = [
        abs(told - true)
        for word, (begin, end) in zip(times.words, zip(edges[::2], edges[1::2], strict=True), strict=True)
        for told, true in ((word.start_seconds, begin), (word.end_seconds, end))
    ]
    assert [word.text for word in times.words] == plain.split()
    assert np.mean(np.array(wrong) <= CLOSE) >= 0.9


def test_words_begin_with_their_sibilant_in_fluent_speech(engine: Kokoro) -> None:
    sound, words = said(engine, request("en-us", text=TEXT))
    wrong = [abs(word.start_seconds - hiss(sound, word.start_seconds, RATE)) for word in words if word.text[0] in "sc"]
    assert np.mean(np.array(wrong) <= CLOSE) >= 0.8


def test_words_that_come_soon_have_the_times_of_the_whole(engine: Kokoro) -> None:
    parts = list(engine.synthesize(request("en-us", soon=True), Cancellation()))
    _, whole = said(engine, request("en-us"))
    soon = [word for part in parts for word in part.words]
    assert len(parts) > 1
    assert parts[0].words
    assert [word.text for word in soon] == [word.text for word in whole]
    assert np.allclose([word.start_seconds for word in soon], [word.start_seconds for word in whole], atol=CLOSE)


def test_a_blend_at_twice_the_speed_has_its_words_in_half_the_time(engine: Kokoro) -> None:
    voices = (Preset("af_heart"), Preset("am_michael"))
    (_, slow), (_, fast) = (said(engine, request("en-us", voices=voices, speed=speed)) for speed in (1.0, 2.0))
    spread = [words[-1].start_seconds - words[0].start_seconds for words in (slow, fast)]
    assert spread[0] / spread[1] == pytest.approx(2, rel=0.2)


def test_words_of_a_later_chunk_count_from_the_start(engine: Kokoro) -> None:
    text = " ".join([TEXTS["en-us"][1]] * 3)
    sound, words = said(engine, request("en-us", text=text))
    assert len(words) == len(text.split())
    assert words[-1].end_seconds == pytest.approx(len(sound) / RATE, abs=0.3)
