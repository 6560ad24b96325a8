"""kNN-VC, with real loading and inference; its weights are tiny and random (tiny_knn_vc)."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch  # pyright: ignore[reportMissingImports]
from tests.engines.converter import ConverterContract
from tests.engines.knn_vc.tiny_knn_vc import tiny_wavlm, write_tiny_knn_vc
from tests.engines.voice_encoder import Sound, recorded

from ttsai_server.domain import ModelCard, Reference
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.knn_vc.adapter import LAYER, KnnVc
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing
from ttsai_server.settings import Settings


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("knn-vc")
    write_tiny_knn_vc(folder)
    return folder


class TestKnnVc(ConverterContract):
    model_id = "knn-vc"
    source_seconds = 12

    @classmethod
    def place(cls, weights: Path) -> LoadContext:
        return LoadContext(weights, threads=1)  # more only wait for each other on such small networks

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, tiny: Path) -> Path:
        return tiny

    def test_a_voice_is_half_precision_features_of_the_sixth_layer(
        self, reference: Reference, reference_sound: Sound
    ) -> None:
        features: Any = reference.arrays["features"]
        with torch.inference_mode():
            padded = np.pad(reference_sound[: 10 * 16_000, 0], (0, 80))
            states = tiny_wavlm()(torch.from_numpy(padded)[None], output_hidden_states=True).hidden_states
        assert features.dtype == np.float16
        assert len(features) <= 50 * self.seconds
        np.testing.assert_allclose(features[:5], states[LAYER][0, :5].numpy(), atol=2e-3)

    def test_one_recording_has_one_answer(
        self, engine: KnnVc, card: ModelCard, source: Sound, reference: Reference
    ) -> None:
        one, other = (self.converted(engine, card, source[: 2 * card.rate], reference) for _ in range(2))
        assert np.array_equal(one, other)

    def test_another_voice_sounds_different(
        self, engine: KnnVc, card: ModelCard, source: Sound, reference: Reference
    ) -> None:
        other = Reference(card.id, {"features": np.flip(reference.arrays["features"], 1).copy()})
        one, two = (self.converted(engine, card, source[: 2 * card.rate], voice) for voice in (reference, other))
        assert np.max(np.abs(one - two)) > 0.01

    @pytest.mark.parametrize("seconds", [0, 3])
    def test_no_voice_is_made_of_silence(self, engine: KnnVc, card: ModelCard, seconds: int) -> None:
        silence = np.zeros((seconds * card.rate, 1), np.float32)
        with recorded(silence, card.rate) as recording, pytest.raises(BadRequest, match="no speech"):
            list(engine.embed(recording, Cancellation()))


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return read_card(Settings().models.cards / "knn-vc.toml")


@pytest.mark.parametrize("file", ["config.json", "pytorch_model.bin", "vocoder.pt"])
def test_without_one_of_its_files_it_is_not_loaded(file: str, card: ModelCard, tiny: Path, tmp_path: Path) -> None:
    for other in tiny.iterdir():
        if other.name != file:
            (tmp_path / other.name).symlink_to(other)
    with pytest.raises(WeightsMissing):
        KnnVc.load(card, LoadContext(tmp_path))


@pytest.mark.parametrize("file", ["config.json", "pytorch_model.bin", "vocoder.pt"])
def test_a_file_of_something_else_is_refused(file: str, card: ModelCard, tiny: Path, tmp_path: Path) -> None:
    for other in tiny.iterdir():
        if other.name != file:
            (tmp_path / other.name).symlink_to(other)
    (tmp_path / file).write_bytes(b"something else")
    with pytest.raises(EngineFailed):
        KnnVc.load(card, LoadContext(tmp_path))


def test_a_checkpoint_of_another_vocoder_is_refused(card: ModelCard, tiny: Path, tmp_path: Path) -> None:
    for other in tiny.iterdir():
        if other.name != "vocoder.pt":
            (tmp_path / other.name).symlink_to(other)
    torch.save({"generator": {"conv_pre.weight": torch.zeros(1)}}, tmp_path / "vocoder.pt")
    with pytest.raises(EngineFailed, match="no vocoder"):
        KnnVc.load(card, LoadContext(tmp_path))
