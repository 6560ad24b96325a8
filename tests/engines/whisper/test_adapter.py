"""Whisper hears what it should: the real weights of tiny.en and base."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.engines.talk import LINES, Talk
from tests.engines.transcriber import HearingContract, TranscriberContract, heard, recorded, segments_of, text_of
from tests.listening import wer
from tests.speaker import Speaker

from ttsai_server.domain import ModelCard, TranscriptionRequest
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.whisper.adapter import FasterWhisper
from ttsai_server.errors import EngineFailed, WeightsMissing
from ttsai_server.settings import Settings

SPANISH = "El museo abre a las nueve de la mañana, y la biblioteca cierra por la noche."


class TestTinyEnglish(TranscriberContract):
    model_id = "whisper-tiny.en"


class TestBase(HearingContract):
    """It runs as tiny.en does: only what depends on the weights is asked of it."""

    model_id = "whisper-base"


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return read_card(Settings().models.cards / "whisper-base.toml")


@pytest.fixture(scope="module")
def engine(card: ModelCard, base_weights: Path) -> Generator[FasterWhisper]:
    loaded = FasterWhisper.load(card, LoadContext(base_weights, threads=2))
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def spanish(speaker: Speaker) -> np.ndarray:
    """float32 (n,), 16 kHz."""
    return speaker.say("ef_dora", SPANISH)[:, 0]


def test_the_language_is_found_and_told(engine: FasterWhisper, spanish: np.ndarray) -> None:
    with recorded(spanish, rate=16_000) as recording:
        partials = list(engine.transcribe(recording, TranscriptionRequest(), Cancellation()))
    assert [partial.language for partial in partials] == ["es"]
    assert wer(SPANISH, text_of(partials), "es") <= 0.2


def test_two_languages_in_one_recording_are_each_written_as_spoken(
    engine: FasterWhisper, spanish: np.ndarray, known: Talk
) -> None:
    first = known.sound[: round((known.words[23][1] - 0.2) * 16_000)]  # two sentences
    with recorded(first, spanish, rate=16_000) as recording:
        (partial,) = engine.transcribe(recording, TranscriptionRequest(), Cancellation())
    said = {code: " ".join(s.text for s in partial.segments if s.language == code) for code in ("en", "es")}
    assert partial.language == "en"
    assert wer(" ".join(word for word, _ in known.words[:23]), said["en"]) <= 0.1
    assert wer(SPANISH, said["es"], "es") <= 0.2


def test_faint_speech_is_heard(engine: FasterWhisper, known: Talk) -> None:
    loud = known.short.read(0, known.short.frames)[:, 0]
    faint = np.round(10 ** (-55 / 20) * 32768 * loud / np.abs(loud).max()) / 32768  # as 16 bits have it
    with recorded(faint, rate=16_000) as recording:
        assert wer(known.text.split(".")[0], text_of(heard(engine, recording))) <= 0.1


def test_speech_is_translated_to_english(engine: FasterWhisper, spanish: np.ndarray) -> None:
    with recorded(spanish, rate=16_000) as recording:
        partials = list(engine.transcribe(recording, TranscriptionRequest("es", translate=True), Cancellation()))
    assert {"museum", "library"} <= set(text_of(partials).lower().replace(",", "").split())


def test_a_prompt_teaches_a_spelling(engine: FasterWhisper, known: Talk) -> None:
    request = TranscriptionRequest("en", prompt="The lighthouse-keeper, the LIGHTHOUSE-KEEPER of old.")
    plain, prompted = (
        text_of(list(engine.transcribe(known.short, asked, Cancellation())))
        for asked in (replace(request, prompt=""), request)
    )
    assert plain != prompted
    assert wer(plain.lower(), prompted.lower().replace("-", " ")) <= 0.2


def test_times_count_from_the_start_of_the_recording(engine: FasterWhisper, known: Talk) -> None:
    quiet = np.zeros(100 * 16_000, np.float32)
    with recorded(quiet, known.sound[: 10 * 16_000], rate=16_000) as recording:
        partials = heard(engine, recording)
    assert segments_of(partials)[0].start == pytest.approx(100 + known.words[0][1], abs=0.3)


def test_without_the_detector_speech_is_heard_all_the_same(engine: FasterWhisper, known: Talk) -> None:
    request = TranscriptionRequest("en", options={"vad_threshold": 0})
    assert wer(LINES[0][1], text_of(list(engine.transcribe(known.short, request, Cancellation())))) <= 0.1


def test_a_temperature_is_told_in_its_segments(engine: FasterWhisper, known: Talk) -> None:
    request = TranscriptionRequest("en", temperature=0.2)
    (segment, *_) = segments_of(list(engine.transcribe(known.short, request, Cancellation())))
    assert segment.temperature == 0.2


def test_weights_that_are_not_there_are_named(card: ModelCard, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        FasterWhisper.load(card, LoadContext(tmp_path))


def test_weights_that_are_broken_are_told(card: ModelCard, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"not a model")
    with pytest.raises(EngineFailed):
        FasterWhisper.load(card, LoadContext(tmp_path))


def test_a_closed_engine_hears_nothing(card: ModelCard, base_weights: Path, known: Talk) -> None:
    engine = FasterWhisper.load(card, LoadContext(base_weights))
    engine.close()
    with pytest.raises(EngineFailed):
        next(engine.transcribe(known.short, TranscriptionRequest("en"), Cancellation()))
