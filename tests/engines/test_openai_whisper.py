"""OpenAI's Whisper on real speech, by its real package; its weights are tiny and random (tiny_whisper)."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from threading import Timer

import numpy as np
import pytest
from tests.engines.tiny_whisper import write_tiny_whisper

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard, PartialTranscript, TranscriptionRequest
from ttsai_server.engines.base import Cancellation, Cancelled, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.openai_whisper import OpenAIWhisper, _context
from ttsai_server.engines.shared.transcription.windows import RATE
from ttsai_server.errors import EngineFailed, WeightsMissing
from ttsai_server.settings import Settings

model_id = "openai-whisper-tiny"
ASKED = TranscriptionRequest(words=True, temperature=1.0)
"""One try at the highest temperature: random weights would fail at all of the lower ones first."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whisper")
    write_tiny_whisper(folder / "tiny.pt")
    return folder


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return read_card(Settings().models.cards / f"{model_id}.toml")


@pytest.fixture(scope="module")
def engine(card: ModelCard, weights: Path) -> Generator[OpenAIWhisper]:
    loaded = OpenAIWhisper.load(card, LoadContext(weights))
    loaded.warm_up(card)
    yield loaded
    loaded.close()


def hear(engine: OpenAIWhisper, recording: Recording, asked: TranscriptionRequest = ASKED) -> list[PartialTranscript]:
    return list(engine.transcribe(recording, asked, Cancellation()))


@pytest.fixture(scope="module")
def short(spoken: np.ndarray) -> Generator[Recording]:
    with Recording(RATE) as recording:
        recording.append(np.zeros((3 * RATE, 1), np.float32))
        recording.append(spoken)
        yield recording


@pytest.fixture(scope="module")
def heard(engine: OpenAIWhisper, talk: Recording) -> list[PartialTranscript]:
    return hear(engine, talk)


def test_speech_is_written(heard: list[PartialTranscript]) -> None:
    assert all(segment.text for partial in heard for segment in partial.segments)
    assert sum(len(partial.segments) for partial in heard) >= 2


def test_words_are_in_order_inside_their_segment(heard: list[PartialTranscript]) -> None:
    segments = [segment for partial in heard for segment in partial.segments]
    times = [time for segment in segments for word in segment.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert all(segment.start == segment.words[0].start <= segment.words[-1].end == segment.end for segment in segments)


def test_the_last_passage_ends_with_the_recording(heard: list[PartialTranscript], talk: Recording) -> None:
    assert len(heard) > 1
    assert heard[-1].end == pytest.approx(talk.seconds)


def test_one_language_is_found_and_kept(heard: list[PartialTranscript], card: ModelCard) -> None:
    assert {partial.language for partial in heard} <= set(card.languages)
    assert len({partial.language for partial in heard}) == 1


def test_equal_requests_give_equal_text_and_times_in_the_recording(engine: OpenAIWhisper, short: Recording) -> None:
    (one,), (other,) = hear(engine, short), hear(engine, short)
    assert one == other
    assert one.segments[0].start >= 2.5


def test_the_language_that_is_asked_for_is_reported(engine: OpenAIWhisper, short: Recording) -> None:
    (partial,) = hear(engine, short, replace(ASKED, language="jv", words=False))
    assert partial.language == "jv"
    assert all(segment.words == () for segment in partial.segments)


def test_a_prompt_and_translation_reach_the_model(engine: OpenAIWhisper, short: Recording) -> None:
    plain = replace(ASKED, words=False, language="de")
    asked = [plain, replace(plain, prompt="Kokoro"), replace(plain, translate=True)]
    sure = {hear(engine, short, request)[0].segments[0].average_log_probability for request in asked}
    assert len(sure) == 3


def test_silence_is_no_segment(engine: OpenAIWhisper) -> None:
    with Recording(RATE) as recording:
        recording.append(np.zeros((70 * RATE, 1), np.float32))
        partials = hear(engine, recording)
    assert [partial.segments for partial in partials] == [()] * len(partials)
    assert partials[-1].end == 70


def test_a_text_that_it_was_not_sure_of_is_no_context() -> None:
    sure, unsure = {"text": " Yes.", "temperature": 0.0}, {"text": " Um.", "temperature": 0.8}
    assert _context("Names.", [sure]) == "Names. Yes."
    assert _context("Names.", [unsure, sure]) == "Yes."


def test_a_step_cut_short_stops_and_does_not_harm_the_next(engine: OpenAIWhisper, short: Recording) -> None:
    alone, cancellation = hear(engine, short), Cancellation()
    timer = Timer(0.2, cancellation.cancel)
    timer.start()
    with pytest.raises(Cancelled):
        list(engine.transcribe(short, replace(ASKED, temperature=0.0), cancellation))
    timer.join()
    assert hear(engine, short) == alone


@pytest.mark.parametrize("content", [b"", b"not a checkpoint"])
def test_a_file_that_is_no_checkpoint_is_refused(card: ModelCard, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tiny.pt").write_bytes(content)
    with pytest.raises(EngineFailed, match=r"tiny\.pt is no Whisper"):
        OpenAIWhisper.load(card, LoadContext(tmp_path))


def test_weights_of_another_size_are_refused(card: ModelCard, weights: Path, tmp_path: Path) -> None:
    (tmp_path / "base.pt").write_bytes((weights / "tiny.pt").read_bytes())
    with pytest.raises(EngineFailed, match=r"base\.pt is no Whisper"):
        OpenAIWhisper.load(replace(card, setup={"size": "base"}), LoadContext(tmp_path))


def test_without_weights_it_is_not_loaded(card: ModelCard, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        OpenAIWhisper.load(card, LoadContext(tmp_path))


def test_it_can_be_closed_twice(card: ModelCard, weights: Path, short: Recording) -> None:
    engine = OpenAIWhisper.load(card, LoadContext(weights))
    engine.close()
    engine.close()
    with pytest.raises(EngineFailed, match="closed"):
        hear(engine, short)


def test_a_prompt_may_spell_a_special_token(engine: OpenAIWhisper, short: Recording) -> None:
    assert hear(engine, short, replace(ASKED, prompt="<|endoftext|> of <|nospeech|>"))[-1].end == short.seconds
