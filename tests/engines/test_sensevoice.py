"""SenseVoice on real speech, with real loading and inference; its weights are tiny and random (tiny_sensevoice)."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.engines.graphs import ends, resized
from tests.engines.random_transcriber import RandomTranscriberContract, hear, segments
from tests.engines.tiny_sensevoice import METADATA, PUBLISHED, TOKENS, write_tiny_sensevoice

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard, PartialTranscript
from ttsai_server.engines.base import LoadContext
from ttsai_server.engines.sensevoice import MODEL, NUMBERS, VECTORS, SenseVoice
from ttsai_server.engines.shared.transcription.windows import RATE, Chunk
from ttsai_server.engines.shared.transcription.words import Aligned
from ttsai_server.errors import EngineFailed, WeightsMissing


def parts(engine: SenseVoice, *tokens: str) -> list[Aligned]:
    """What is made of such tokens, half a second apart."""
    result = SimpleNamespace(tokens=list(tokens), timestamps=[i / 2 for i in range(len(tokens))])
    return engine._parts(result, Chunk(((0, 10 * RATE),), np.zeros(10 * RATE, np.float32)))


def texts(engine: SenseVoice, *tokens: str) -> list[str]:
    return [part.text for part in parts(engine, *tokens)]


def without(key: str) -> Callable[[Path], None]:
    return lambda folder: write_tiny_sensevoice(folder, {k: v for k, v in METADATA.items() if k != key})


def with_model(content: bytes) -> Callable[[Path], None]:
    return lambda folder: void(write_tiny_sensevoice(folder), (folder / "model.int8.onnx").write_bytes(content))


def with_tokens(content: str) -> Callable[[Path], None]:
    return lambda folder: void(write_tiny_sensevoice(folder), (folder / "tokens.txt").write_text(content, "utf-8"))


def void(*_: object) -> None:
    """For lambdas."""


class TestSenseVoice(RandomTranscriberContract):
    model_id = "sensevoice"
    least = 0.7

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = tmp_path_factory.mktemp("sensevoice")
        write_tiny_sensevoice(folder)
        return folder

    def test_the_tiny_graph_takes_and_gives_what_the_published_one_does(self, weights: Path) -> None:
        assert ends(weights / MODEL) == resized(PUBLISHED, {25055: len(TOKENS)})

    def test_speech_is_written_with_no_tags(self, heard: list[PartialTranscript]) -> None:
        assert all(segment.text and "<|" not in segment.text for segment in segments(heard))

    def test_speech_too_short_for_a_frame_is_no_harm(self, engine: SenseVoice, spoken: np.ndarray) -> None:
        for count in (1, 100, 511, 1600):
            with Recording(RATE) as recording:
                recording.append(spoken[:count])
                assert hear(engine, recording)[-1].end == count / RATE

    def test_the_language_that_is_asked_for_is_told_to_the_model(
        self, engine: SenseVoice, heard: list[PartialTranscript], talk: Recording
    ) -> None:
        assert {partial.language for partial in heard} == {"en"}
        assert {partial.language for partial in hear(engine, talk, language="ja")} == {"ja"}

    def test_the_language_is_the_models_tag(self, talk: Recording, card: ModelCard, tmp_path: Path) -> None:
        write_tiny_sensevoice(tmp_path, METADATA | {"lang_auto": METADATA["lang_yue"]})
        other = SenseVoice.load(card, LoadContext(tmp_path))
        assert {partial.language for partial in hear(other, talk)} == {"yue"}

    def test_what_the_model_calls_no_speech_is_not_written(
        self, talk: Recording, card: ModelCard, tmp_path: Path
    ) -> None:
        write_tiny_sensevoice(tmp_path, METADATA | {"lang_auto": METADATA["lang_nospeech"]})
        assert segments(hear(SenseVoice.load(card, LoadContext(tmp_path)), talk)) == []

    def test_each_chinese_and_japanese_character_is_a_word(self, engine: SenseVoice) -> None:
        assert texts(engine, "你", "好", "。", "ま", "す") == ["你", "好。", "ま", "す"]

    def test_pieces_of_an_alphabet_are_one_word(self, engine: SenseVoice) -> None:
        assert texts(engine, " stop", "ped", ",", " gar", "'", "s", " ", "가") == [" stopped,", " gar's", " 가"]

    def test_an_alphabet_after_characters_is_a_word_of_its_own(self, engine: SenseVoice) -> None:
        assert texts(engine, "你", "den", "s", "好", " the") == ["你", "dens", "好", " the"]

    def test_tags_inside_the_text_are_no_words(self, engine: SenseVoice) -> None:
        assert texts(engine, "<|ko|>", " the", "<|zh|>") == [" the"]

    def test_a_word_ends_with_its_sound_or_where_the_next_begins(self, engine: SenseVoice) -> None:
        first, second = parts(engine, " stop", "ped", " the")
        assert (first.start, first.end, second.start, second.end) == (0, 0.8, 1, 1.3)

    def test_a_word_has_the_models_tokens(self, engine: SenseVoice) -> None:
        (word,) = parts(engine, " stop", "ped")
        assert [TOKENS[number] for number in word.tokens] == ["▁stop", "ped"]

    def test_without_its_files_it_is_not_loaded(self, card: ModelCard, tmp_path: Path) -> None:
        with pytest.raises(WeightsMissing):
            SenseVoice.load(card, LoadContext(tmp_path))

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
        self, card: ModelCard, damage: Callable[[Path], None], tmp_path: Path
    ) -> None:
        damage(tmp_path)
        with pytest.raises(EngineFailed):
            SenseVoice.load(card, LoadContext(tmp_path))
