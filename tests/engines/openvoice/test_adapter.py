"""OpenVoice's converter, with real loading and inference; its weights are tiny and random (tiny_openvoice).

That they have the form of the published ones is tested in test_network.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch  # pyright: ignore[reportMissingImports]
from tests.engines.converter import ConverterContract, joined
from tests.engines.openvoice.tiny_openvoice import tiny_state, write_tiny_openvoice
from tests.engines.voice_encoder import Sound, recorded

from ttsai_server.domain import Audio, ModelCard, Reference
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.openvoice import adapter
from ttsai_server.engines.openvoice.adapter import OpenVoice
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing
from ttsai_server.settings import Settings


class TestOpenVoice(ConverterContract):
    model_id = "openvoice"
    source_seconds = 12

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = tmp_path_factory.mktemp("openvoice")
        write_tiny_openvoice(folder)
        return folder

    def test_the_steps_are_the_whole(
        self,
        engine: OpenVoice,
        card: ModelCard,
        source: Sound,
        reference: Reference,
        conversion: Sequence[Audio],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(adapter, "STEP_SECONDS", 60)
        whole = self.converted(engine, card, source, reference)
        np.testing.assert_allclose(joined(conversion), whole, atol=1e-4)

    def test_one_recording_has_one_answer(
        self, engine: OpenVoice, card: ModelCard, source: Sound, reference: Reference
    ) -> None:
        one, other = (self.converted(engine, card, source[: 2 * card.rate], reference) for _ in range(2))
        assert np.array_equal(one, other)

    def test_another_voice_sounds_different(
        self, engine: OpenVoice, card: ModelCard, source: Sound, reference: Reference
    ) -> None:
        other = Reference(card.id, {"voice": -reference.arrays["voice"]})  # pyright: ignore[reportOperatorIssue]
        one, two = (self.converted(engine, card, source[: 2 * card.rate], voice) for voice in (reference, other))
        assert np.max(np.abs(one - two)) > 0.01

    @pytest.mark.parametrize("sound", [np.zeros((0, 1), np.float32), np.zeros((50_000, 1), np.float32)])
    def test_no_voice_is_made_of_silence(self, engine: OpenVoice, card: ModelCard, sound: Sound) -> None:
        with recorded(sound, card.rate) as recording, pytest.raises(BadRequest, match="no speech"):
            list(engine.embed(recording, Cancellation()))


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return read_card(Settings().models.cards / "openvoice.toml")


def test_without_weights_it_is_not_loaded(card: ModelCard, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        OpenVoice.load(card, LoadContext(tmp_path))


@pytest.mark.parametrize("content", [b"", b"not a checkpoint"])
def test_a_file_that_is_no_checkpoint_is_refused(card: ModelCard, tmp_path: Path, content: bytes) -> None:
    write_tiny_openvoice(tmp_path)
    (tmp_path / "checkpoint.pth").write_bytes(content)
    with pytest.raises(EngineFailed, match=r"checkpoint\.pth is no checkpoint of this model"):
        OpenVoice.load(card, LoadContext(tmp_path))


def test_a_checkpoint_of_other_names_is_refused(card: ModelCard, tmp_path: Path) -> None:
    write_tiny_openvoice(tmp_path)
    state = tiny_state()
    state["enc_q.other.weight"] = state.pop("enc_q.pre.weight")
    torch.save({"model": state}, tmp_path / "checkpoint.pth")
    with pytest.raises(EngineFailed, match=r"enc_q\.pre\.weight"):
        OpenVoice.load(card, LoadContext(tmp_path))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"model": {}, "data": {}}', '{"model": 1, "data": 1}'])
def test_a_wrong_configuration_is_refused(card: ModelCard, tmp_path: Path, content: str) -> None:
    write_tiny_openvoice(tmp_path)
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(EngineFailed, match=r"config\.json"):
        OpenVoice.load(card, LoadContext(tmp_path))


def test_a_model_of_another_rate_is_refused(card: ModelCard, tmp_path: Path) -> None:
    write_tiny_openvoice(tmp_path, sampling_rate=16_000)
    with pytest.raises(EngineFailed, match="another model"):
        OpenVoice.load(card, LoadContext(tmp_path))
