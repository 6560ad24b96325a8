"""GPT-SoVITS by its real package in an environment that is really made; its weights are tiny, random
(tiny_gpt_sovits)."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.engines.own_environment import OwnEnvironmentContract
from tests.engines.voice_encoder import recorded

from ttsai_server.domain import ModelCard, Reference
from ttsai_server.engines.base import Cancellation, Cloner, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.gpt_sovits.adapter import GptSovits
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing
from ttsai_server.settings import Settings


@pytest.mark.slow
class TestGptSovits(OwnEnvironmentContract):
    model_id = "gpt-sovits"
    writer = "tests.engines.gpt_sovits.tiny_gpt_sovits"
    short, long = "It rains now.", "It rains now, and the children have come into the house."
    seconds = 5

    @pytest.mark.parametrize(
        "options",
        [{"top_k": 1}, {"top_p": 0.1}, {"temperature": 0.2}, {"repetition_penalty": 5.0}, {"noise_scale": 0.0},
         {"seed": 7}, {"prompt_text": "It rains"}],
    )  # fmt: skip
    def test_each_option_changes_the_sound(self, engine: Cloner, voice: Any, options: dict[str, Any]) -> None:
        plain, changed = (self.said(engine, voice, self.short, options=each) for each in ({}, options))
        assert plain.shape != changed.shape or np.max(np.abs(plain - changed)) > 1e-3

    def test_what_the_recording_says_may_be_in_another_language(self, engine: Cloner, voice: Any) -> None:
        spoken = {"prompt_text": "下雨"}
        one, other = (
            self.said(engine, voice, "下雨了。", options=spoken | more) for more in ({}, {"prompt_language": "ja"})
        )
        assert one.shape != other.shape or np.max(np.abs(one - other)) > 1e-3

    @pytest.mark.parametrize(("language", "text"), [("zh", "下雨了，我们回家。"), ("ja", "雨が降っています。")])
    def test_it_speaks_its_other_languages(
        self, engine: Cloner, reference: Reference, language: str, text: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(type(self), "language", language)
        assert np.max(np.abs(self.cloned(engine, reference, text))) > 0.05

    def test_another_voice_sounds_different(self, engine: Cloner, card: ModelCard, reference: Reference) -> None:
        arrays = {**reference.arrays, "timbre": np.flip(reference.arrays["timbre"], 1).copy()}
        one, other = (self.cloned(engine, each, "It.") for each in (reference, Reference(card.id, arrays)))
        assert one.shape != other.shape or np.max(np.abs(one - other)) > 1e-3

    def test_a_text_whose_end_the_model_does_not_reach_is_not_spoken(self, engine: Cloner, voice: Any) -> None:
        """The tiny one has more to say of so long a text than the model may."""
        with pytest.raises(EngineFailed, match="end of the text"):
            self.said(engine, voice, " ".join([self.long] * 8))

    def test_a_text_that_fills_the_memory_before_its_end_is_not_spoken(self, engine: Cloner, voice: Any) -> None:
        with pytest.raises(EngineFailed, match="end of the text"):
            self.said(engine, voice, self.long, options={"prompt_text": " ".join([self.long] * 22)})

    def test_a_prompt_that_leaves_no_room_is_refused(self, engine: Cloner, voice: Any) -> None:
        with pytest.raises(BadRequest, match="too long"):
            self.said(engine, voice, "It.", options={"prompt_text": " ".join([self.long] * 40)})

    def test_it_writes_nothing_to_its_weights(self, engine: Cloner, weights: Path) -> None:
        assert not list(weights.rglob("engdict_cache.pickle"))

    def test_no_voice_is_made_of_silence(self, engine: Cloner, card: ModelCard) -> None:
        silence = np.zeros((5 * card.rate, 1), np.float32)
        with recorded(silence, card.rate) as recording, pytest.raises(BadRequest, match="no speech"):
            list(engine.embed(recording, Cancellation()))

    def test_a_file_of_something_else_is_refused(
        self, engine: Cloner, card: ModelCard, weights: Path, tmp_path: Path
    ) -> None:
        folder = tmp_path / card.id
        folder.mkdir()
        for file in weights.iterdir():
            (folder / file.name).symlink_to(weights / "s1v3.ckpt" if file.name == "s2Gv2ProPlus.pth" else file)
        with pytest.raises(EngineFailed, match="not GPT-SoVITS's"):
            self.loaded(card, folder)


def test_without_its_files_it_is_not_loaded(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        GptSovits.load(read_card(Settings().models.cards / "gpt-sovits.toml"), LoadContext(tmp_path))
