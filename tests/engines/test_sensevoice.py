"""SenseVoice on real speech, with real loading and inference; its weights are tiny and random (tiny_sensevoice)."""

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.engines.graphs import ends, resized
from tests.engines.tiny_sensevoice import METADATA, PUBLISHED, TOKENS, write_tiny_sensevoice

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard, PartialTranscript, Segment, TranscriptionRequest
from ttsai_server.engines.base import Cancellation, Cancelled, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.sensevoice import MODEL, NUMBERS, VECTORS, SenseVoice
from ttsai_server.engines.shared.transcription.windows import RATE, Chunk
from ttsai_server.engines.shared.transcription.words import Aligned
from ttsai_server.errors import EngineFailed, WeightsMissing
from ttsai_server.settings import Settings

model_id = "sensevoice"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sensevoice")
    write_tiny_sensevoice(folder)
    return folder


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return read_card(Settings().models.cards / "sensevoice.toml")


@pytest.fixture(scope="module")
def engine(card: ModelCard, weights: Path) -> Generator[SenseVoice]:
    loaded = SenseVoice.load(card, LoadContext(weights))
    yield loaded
    loaded.close()


def hear(engine: SenseVoice, recording: Recording, **asked: object) -> list[PartialTranscript]:
    return list(engine.transcribe(recording, replace(TranscriptionRequest(words=True), **asked), Cancellation()))  # pyright: ignore[reportArgumentType]


def segments(partials: list[PartialTranscript]) -> list[Segment]:
    return [segment for partial in partials for segment in partial.segments]


def parts(engine: SenseVoice, *tokens: str) -> list[Aligned]:
    """What is made of such tokens, half a second apart."""
    result = SimpleNamespace(tokens=list(tokens), timestamps=[i / 2 for i in range(len(tokens))])
    return engine._parts(result, Chunk(((0, 10 * RATE),), np.zeros(10 * RATE, np.float32)))


def texts(engine: SenseVoice, *tokens: str) -> list[str]:
    return [part.text for part in parts(engine, *tokens)]


def test_the_tiny_graph_takes_and_gives_what_the_published_one_does(weights: Path) -> None:
    assert ends(weights / MODEL) == resized(PUBLISHED, {25055: len(TOKENS)})


def test_speech_is_written_with_no_tags(engine: SenseVoice, talk: Recording) -> None:
    heard = segments(hear(engine, talk))
    assert heard
    assert all(segment.text and "<|" not in segment.text for segment in heard)


def test_words_are_in_order_inside_their_segment(engine: SenseVoice, talk: Recording) -> None:
    heard = segments(hear(engine, talk))
    times = [time for segment in heard for word in segment.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert all(segment.start == segment.words[0].start <= segment.words[-1].end == segment.end for segment in heard)
    assert times[-1] <= talk.seconds


def test_words_make_up_the_text(engine: SenseVoice, talk: Recording) -> None:
    for segment in segments(hear(engine, talk)):
        joined = "".join(word.text if word.joined else f" {word.text}" for word in segment.words)
        assert joined.strip() == segment.text


def test_words_come_if_they_are_asked_for(engine: SenseVoice, talk: Recording) -> None:
    plain, full = segments(hear(engine, talk, words=False)), segments(hear(engine, talk))
    assert plain == [replace(segment, words=()) for segment in full]


def test_the_last_passage_ends_with_the_recording(engine: SenseVoice, talk: Recording) -> None:
    partials = hear(engine, talk)
    assert len(partials) > 1
    assert partials[-1].end == pytest.approx(talk.seconds)


def test_words_lie_where_somebody_speaks_and_nowhere_else(
    engine: SenseVoice, talk: Recording, spoken: np.ndarray
) -> None:
    words = [word for segment in segments(hear(engine, talk)) for word in segment.words]
    long = len(spoken) / RATE
    for begin in (1, 21 + long, 46 + 2 * long):
        own = [word for word in words if begin - 0.5 <= word.start <= word.end <= begin + long + 0.5]
        assert own[-1].end - own[0].start > 0.7 * long
        words = [word for word in words if word not in own]
    assert not words


@pytest.mark.parametrize("sound", ["silence", "noise"])
def test_where_nobody_speaks_there_is_no_segment(engine: SenseVoice, sound: str) -> None:
    with Recording(RATE) as recording:
        noise = np.random.default_rng(0).normal(0, 0.05, (RATE * 40, 1)).astype(np.float32)
        recording.append(noise if sound == "noise" else noise * 0)
        partials = hear(engine, recording)
        assert segments(partials) == []
        assert partials[-1].end == 40


def test_speech_too_short_for_a_frame_is_no_harm(engine: SenseVoice, spoken: np.ndarray) -> None:
    for count in (1, 100, 511, 1600):
        with Recording(RATE) as recording:
            recording.append(spoken[:count])
            assert hear(engine, recording)[-1].end == count / RATE


def test_the_language_that_is_asked_for_is_told_to_the_model(engine: SenseVoice, talk: Recording) -> None:
    assert {partial.language for partial in hear(engine, talk)} == {"en"}
    assert {partial.language for partial in hear(engine, talk, language="ja")} == {"ja"}


def test_the_language_is_the_models_tag(
    engine: SenseVoice, talk: Recording, weights: Path, card: ModelCard, tmp_path: Path
) -> None:
    write_tiny_sensevoice(tmp_path, METADATA | {"lang_auto": METADATA["lang_yue"]})
    other = SenseVoice.load(card, LoadContext(tmp_path))
    assert {partial.language for partial in hear(other, talk)} == {"yue"}


def test_what_the_model_calls_no_speech_is_not_written(talk: Recording, card: ModelCard, tmp_path: Path) -> None:
    write_tiny_sensevoice(tmp_path, METADATA | {"lang_auto": METADATA["lang_nospeech"]})
    assert segments(hear(SenseVoice.load(card, LoadContext(tmp_path)), talk)) == []


def test_each_chinese_and_japanese_character_is_a_word(engine: SenseVoice) -> None:
    assert texts(engine, "你", "好", "。", "ま", "す") == ["你", "好。", "ま", "す"]


def test_pieces_of_an_alphabet_are_one_word(engine: SenseVoice) -> None:
    assert texts(engine, " stop", "ped", ",", " gar", "'", "s", " ", "가") == [" stopped,", " gar's", " 가"]


def test_an_alphabet_after_characters_is_a_word_of_its_own(engine: SenseVoice) -> None:
    assert texts(engine, "你", "den", "s", "好", " the") == ["你", "dens", "好", " the"]


def test_tags_inside_the_text_are_no_words(engine: SenseVoice) -> None:
    assert texts(engine, "<|ko|>", " the", "<|zh|>") == [" the"]


def test_a_word_ends_with_its_sound_or_where_the_next_begins(engine: SenseVoice) -> None:
    first, second = parts(engine, " stop", "ped", " the")
    assert (first.start, first.end, second.start, second.end) == (0, 0.8, 1, 1.3)


def test_a_word_has_the_models_tokens(engine: SenseVoice) -> None:
    (word,) = parts(engine, " stop", "ped")
    assert [TOKENS[number] for number in word.tokens] == ["▁stop", "ped"]


def test_a_cancelled_request_is_not_heard(engine: SenseVoice, talk: Recording) -> None:
    cancellation = Cancellation()
    partials = engine.transcribe(talk, TranscriptionRequest(), cancellation)
    next(partials)
    cancellation.cancel()
    with pytest.raises(Cancelled):
        list(partials)


def test_it_can_be_closed_twice(card: ModelCard, weights: Path, talk: Recording) -> None:
    engine = SenseVoice.load(card, LoadContext(weights))
    engine.close()
    engine.close()
    with pytest.raises(EngineFailed, match="closed"):
        hear(engine, talk)


def test_without_its_files_it_is_not_loaded(card: ModelCard, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        SenseVoice.load(card, LoadContext(tmp_path))


def without(key: str) -> Callable[[Path], None]:
    return lambda folder: write_tiny_sensevoice(folder, {k: v for k, v in METADATA.items() if k != key})


def with_model(content: bytes) -> Callable[[Path], None]:
    return lambda folder: void(write_tiny_sensevoice(folder), (folder / "model.int8.onnx").write_bytes(content))


def with_tokens(content: str) -> Callable[[Path], None]:
    return lambda folder: void(write_tiny_sensevoice(folder), (folder / "tokens.txt").write_text(content, "utf-8"))


def void(*_: object) -> None:
    """For lambdas."""


@pytest.mark.parametrize(
    "damage",
    [
        *(pytest.param(without(key), id=key) for key in (*NUMBERS, *VECTORS)),
        pytest.param(with_model(b"not a model"), id="text"),
        pytest.param(with_model(b""), id="empty"),
        pytest.param(with_tokens("the 0\n"), id="few tokens"),
        pytest.param(with_tokens("".join(f"{token}\n" for token in TOKENS)), id="tokens without ids"),
    ],
)
def test_files_that_sherpa_onnx_would_end_the_process_over_are_refused(
    card: ModelCard, damage: Callable[[Path], None], tmp_path: Path
) -> None:
    damage(tmp_path)
    with pytest.raises(EngineFailed):
        SenseVoice.load(card, LoadContext(tmp_path))
