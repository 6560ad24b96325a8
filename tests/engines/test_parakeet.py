"""Parakeet on real speech, by onnx-asr, with real loading and inference; its weights are tiny and random."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.engines.graphs import ends, resized
from tests.engines.tiny_parakeet import PUBLISHED, SIZES, VOCABULARY, write_tiny_parakeet

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard, PartialTranscript, Segment, TranscriptionRequest
from ttsai_server.engines.base import Cancellation, Cancelled, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.parakeet import FILES, Parakeet
from ttsai_server.engines.shared.transcription.windows import RATE
from ttsai_server.errors import EngineFailed, WeightsMissing
from ttsai_server.settings import Settings

model_id = "parakeet"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parakeet")
    write_tiny_parakeet(folder)
    return folder


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return read_card(Settings().models.cards / "parakeet.toml")


@pytest.fixture(scope="module")
def engine(card: ModelCard, weights: Path) -> Generator[Parakeet]:
    loaded = Parakeet.load(card, LoadContext(weights))
    yield loaded
    loaded.close()


def hear(engine: Parakeet, recording: Recording, **asked: object) -> list[PartialTranscript]:
    return list(engine.transcribe(recording, replace(TranscriptionRequest(words=True), **asked), Cancellation()))  # pyright: ignore[reportArgumentType]


def segments(partials: list[PartialTranscript]) -> list[Segment]:
    return [segment for partial in partials for segment in partial.segments]


def test_the_tiny_graphs_take_and_give_what_the_published_ones_do(weights: Path) -> None:
    for name, published in PUBLISHED.items():
        assert ends(weights / name) == resized(published, SIZES)


def test_speech_is_written_where_somebody_speaks(engine: Parakeet, talk: Recording, spoken: np.ndarray) -> None:
    words = [word for segment in segments(hear(engine, talk)) for word in segment.words]
    long = len(spoken) / RATE
    for begin in (1, 21 + long, 46 + 2 * long):
        own = [word for word in words if begin - 0.5 <= word.start <= word.end <= begin + long + 0.5]
        assert own[-1].end - own[0].start > 0.5 * long
        words = [word for word in words if word not in own]
    assert not words


def test_words_make_up_the_text_and_have_the_models_tokens(engine: Parakeet, talk: Recording) -> None:
    for segment in segments(hear(engine, talk)):
        assert "".join(word.text if word.joined else f" {word.text}" for word in segment.words).strip() == segment.text
        pieces = "".join(VOCABULARY[token] for token in segment.tokens)
        assert pieces.replace("▁", " ").strip() == segment.text
        assert all(0 < word.probability <= 1 for word in segment.words)
        assert segment.average_log_probability < 0


def test_words_come_if_they_are_asked_for(engine: Parakeet, talk: Recording) -> None:
    plain, full = segments(hear(engine, talk, words=False)), segments(hear(engine, talk))
    assert plain == [replace(segment, words=()) for segment in full]


def test_the_steps_cover_the_recording(engine: Parakeet, talk: Recording) -> None:
    partials = hear(engine, talk)
    assert len(partials) > 1
    assert [partial.start for partial in partials] == [0, *(partial.end for partial in partials[:-1])]
    assert partials[-1].end == pytest.approx(talk.seconds)


def test_where_nobody_speaks_there_is_no_segment(engine: Parakeet) -> None:
    with Recording(RATE) as recording:
        recording.append(np.random.default_rng(0).normal(0, 0.05, (RATE * 40, 1)).astype(np.float32))
        assert segments(hear(engine, recording)) == []


@pytest.mark.parametrize("count", [1, 511, 1600])
def test_speech_too_short_for_a_frame_is_no_harm(engine: Parakeet, spoken: np.ndarray, count: int) -> None:
    assert engine._recognize(spoken[:count, 0]).tokens is not None


def test_a_transcript_is_in_the_language_that_was_asked_for(engine: Parakeet, talk: Recording) -> None:
    partials = hear(engine, talk, language="sv")
    assert {partial.language for partial in partials} == {"sv"}
    assert {segment.language for segment in segments(partials)} == {"sv"}


GERMAN = "heute morgen sind wir mit dem zug in die stadt gefahren und haben dort lange gewartet"


def test_without_one_the_text_tells_its_language(engine: Parakeet, talk: Recording) -> None:
    def recognize(_: np.ndarray) -> SimpleNamespace:
        return SimpleNamespace(text=GERMAN, tokens=[" the"], timestamps=[0.1], logprobs=[-0.5])

    german = Parakeet(SimpleNamespace(recognize=recognize), {" the": 1}, engine._languages)
    assert {partial.language for partial in hear(german, talk)} == {"de"}


def test_a_cancelled_request_is_not_heard(engine: Parakeet, talk: Recording) -> None:
    cancellation = Cancellation()
    partials = engine.transcribe(talk, TranscriptionRequest(), cancellation)
    next(partials)
    cancellation.cancel()
    with pytest.raises(Cancelled):
        list(partials)


def test_it_can_be_closed_twice(card: ModelCard, weights: Path, talk: Recording) -> None:
    engine = Parakeet.load(card, LoadContext(weights))
    engine.close()
    engine.close()
    with pytest.raises(EngineFailed, match="closed"):
        hear(engine, talk)


@pytest.mark.parametrize("file", FILES)
def test_without_a_file_it_is_not_loaded(card: ModelCard, tmp_path: Path, file: str) -> None:
    write_tiny_parakeet(tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(WeightsMissing):
        Parakeet.load(card, LoadContext(tmp_path))


@pytest.mark.parametrize("file", FILES)
def test_a_damaged_file_is_refused(card: ModelCard, tmp_path: Path, file: str) -> None:
    write_tiny_parakeet(tmp_path)
    (tmp_path / file).write_bytes(b"not it")
    with pytest.raises(EngineFailed, match="parakeet"):
        Parakeet.load(card, LoadContext(tmp_path))


def test_graphs_of_other_vocabularies_are_refused(card: ModelCard, tmp_path: Path) -> None:
    write_tiny_parakeet(tmp_path)
    (tmp_path / "vocab.txt").write_text("the 0\n<blk> 1\n", "utf-8")
    with pytest.raises(EngineFailed, match="parakeet"):
        Parakeet.load(card, LoadContext(tmp_path))
