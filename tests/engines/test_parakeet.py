"""Parakeet on real speech, by onnx-asr, with real loading and inference; its weights are tiny and random."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.engines.graphs import ends, resized
from tests.engines.random_transcriber import RandomTranscriberContract, hear, segments
from tests.engines.tiny_parakeet import PUBLISHED, SIZES, VOCABULARY, write_tiny_parakeet

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard, PartialTranscript
from ttsai_server.engines.base import LoadContext
from ttsai_server.engines.parakeet import FILES, Parakeet
from ttsai_server.errors import EngineFailed, WeightsMissing

GERMAN = "heute morgen sind wir mit dem zug in die stadt gefahren und haben dort lange gewartet"


class TestParakeet(RandomTranscriberContract):
    model_id = "parakeet"
    least = 0.5

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = tmp_path_factory.mktemp("parakeet")
        write_tiny_parakeet(folder)
        return folder

    def test_the_tiny_graphs_take_and_give_what_the_published_ones_do(self, weights: Path) -> None:
        for name, published in PUBLISHED.items():
            assert ends(weights / name) == resized(published, SIZES)

    def test_a_segment_has_the_models_tokens_and_probabilities(self, heard: list[PartialTranscript]) -> None:
        for segment in segments(heard):
            pieces = "".join(VOCABULARY[token] for token in segment.tokens)
            assert pieces.replace("▁", " ").strip() == segment.text
            assert all(0 < word.probability <= 1 for word in segment.words)
            assert segment.average_log_probability < 0

    @pytest.mark.parametrize("count", [1, 511, 1600])
    def test_speech_too_short_for_a_frame_is_no_harm(self, engine: Parakeet, spoken: np.ndarray, count: int) -> None:
        assert engine._recognize(spoken[:count, 0]).tokens is not None

    def test_a_transcript_is_in_the_language_that_was_asked_for(self, engine: Parakeet, talk: Recording) -> None:
        partials = hear(engine, talk, language="sv")
        assert {partial.language for partial in partials} == {"sv"}
        assert {segment.language for segment in segments(partials)} == {"sv"}

    def test_without_one_the_text_tells_its_language(self, engine: Parakeet, talk: Recording) -> None:
        def recognize(_: np.ndarray) -> SimpleNamespace:
            return SimpleNamespace(text=GERMAN, tokens=[" the"], timestamps=[0.1], logprobs=[-0.5])

        german = Parakeet(SimpleNamespace(recognize=recognize), {" the": 1}, engine._languages)
        assert {partial.language for partial in hear(german, talk)} == {"de"}

    @pytest.mark.parametrize("file", FILES)
    def test_without_a_file_it_is_not_loaded(self, card: ModelCard, tmp_path: Path, file: str) -> None:
        write_tiny_parakeet(tmp_path)
        (tmp_path / file).unlink()
        with pytest.raises(WeightsMissing):
            Parakeet.load(card, LoadContext(tmp_path))

    @pytest.mark.parametrize("file", FILES)
    def test_a_damaged_file_is_refused(self, card: ModelCard, tmp_path: Path, file: str) -> None:
        write_tiny_parakeet(tmp_path)
        (tmp_path / file).write_bytes(b"not it")
        with pytest.raises(EngineFailed, match="parakeet"):
            Parakeet.load(card, LoadContext(tmp_path))

    def test_graphs_of_other_vocabularies_are_refused(self, card: ModelCard, tmp_path: Path) -> None:
        write_tiny_parakeet(tmp_path)
        (tmp_path / "vocab.txt").write_text("the 0\n<blk> 1\n", "utf-8")
        with pytest.raises(EngineFailed, match="parakeet"):
            Parakeet.load(card, LoadContext(tmp_path))
