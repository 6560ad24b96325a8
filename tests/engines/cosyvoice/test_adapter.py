"""CosyVoice 2 by its real package in an environment that is really made; its weights are tiny, random
(tiny_cosyvoice)."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.engines.cosyvoice.tiny_cosyvoice import write_graphs
from tests.engines.own_environment import OwnEnvironmentContract
from tests.engines.voice_encoder import recorded

from ttsai_server.domain import ModelCard, Reference
from ttsai_server.engines.base import Cancellation, Cloner, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.cosyvoice.adapter import CosyVoice
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing
from ttsai_server.settings import Settings


@pytest.mark.slow
class TestCosyVoice(OwnEnvironmentContract):
    model_id = "cosyvoice2"
    writer = "tests.engines.cosyvoice.tiny_cosyvoice"
    short, long = "It rains now.", "It rains now, and the children have come into the house."
    seconds = 4

    @classmethod
    def complete(cls, folder: Path) -> None:
        write_graphs(folder)

    @pytest.mark.parametrize(
        ("one", "other"),
        [({}, {"top_k": 1}), ({}, {"top_p": 0.1}), ({}, {"seed": 7}), ({}, {"prompt_text": "It rains"}),
         ({}, {"instruct_text": "Fast"}), ({"instruct_text": "Slowly"}, {"instruct_text": "Fast"}),
         ({"top_k": 1}, {"top_k": 1, "tau_r": 1.0}), ({"top_k": 1, "win_size": 100}, {"top_k": 1, "win_size": 1})],
    )  # fmt: skip
    def test_each_option_changes_the_sound(
        self, engine: Cloner, voice: Any, one: dict[str, Any], other: dict[str, Any]
    ) -> None:
        first, second = (self.said(engine, voice, self.long, options=options) for options in (one, other))
        assert first.shape != second.shape or np.max(np.abs(first - second)) > 1e-3

    @pytest.mark.parametrize(("language", "text"), [("zh", "下雨了。"), ("ja", "雨です。"), ("ko", "비가 와요.")])
    def test_it_speaks_its_other_languages(
        self, engine: Cloner, reference: Reference, language: str, text: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(type(self), "language", language)
        assert np.max(np.abs(self.cloned(engine, reference, text))) > 0.05

    def test_a_number_is_read_in_words(self, engine: Cloner, voice: Any) -> None:
        digits, words = (self.said(engine, voice, text) for text in ("It rains 2.", "It rains two."))
        assert np.array_equal(digits, words)

    def test_how_to_speak_is_said_in_one_way_only(self, engine: Cloner, voice: Any) -> None:
        with pytest.raises(BadRequest, match="not both"):
            self.said(engine, voice, "It.", options={"prompt_text": "It rains", "instruct_text": "Fast"})

    def test_another_voice_sounds_different(self, engine: Cloner, card: ModelCard, reference: Reference) -> None:
        arrays = {**reference.arrays, "timbre": np.flip(reference.arrays["timbre"], 1).copy()}
        one, other = (self.cloned(engine, each, self.long) for each in (reference, Reference(card.id, arrays)))
        assert np.max(np.abs(one - other)) > 1e-4

    def test_a_text_whose_end_the_model_does_not_reach_is_not_spoken(self, engine: Cloner, voice: Any) -> None:
        """At its fastest pace it would take longer than the model may speak."""
        with pytest.raises(EngineFailed, match="end of the text"):
            self.said(engine, voice, " ".join([self.long] * 8))

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
            (folder / file.name).symlink_to(weights / "hift.pt" if file.name == "flow.pt" else file)
        with pytest.raises(EngineFailed, match="not CosyVoice 2's"):
            self.loaded(card, folder)


def test_without_its_files_it_is_not_loaded(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        CosyVoice.load(read_card(Settings().models.cards / "cosyvoice2.toml"), LoadContext(tmp_path))
