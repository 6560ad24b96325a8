"""Tortoise by its real package in an environment that is really made; its weights are tiny, random (tiny_tortoise)."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engines.own_environment import OwnEnvironmentContract
from tests.engines.voice_encoder import recorded

from ttsai_server.domain import ModelCard, Reference
from ttsai_server.engines.base import Cancellation, Cloner, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.environments import interpreter
from ttsai_server.engines.tortoise.adapter import BATCH, Tortoise, largest_batch, parameters
from ttsai_server.engines.tortoise.networks import END, _rate_cut_last
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing
from ttsai_server.settings import Settings


@pytest.mark.slow
class TestTortoise(OwnEnvironmentContract):
    model_id = "tortoise"
    writer = "tests.engines.tortoise.tiny_tortoise"
    short, long = "It rains now.", "It rains now, and the children have come into the house."

    def request_for(self, voice: Any, text: str, **changes: Any) -> Any:
        """By default with few candidates and steps, since the tiny one gains nothing by more."""
        options = {"num_autoregressive_samples": 2, "diffusion_iterations": 5} | changes.pop("options", {})
        return super().request_for(voice, text, options=options, **changes)

    @pytest.mark.parametrize(
        ("one", "other"),
        [({}, {"num_autoregressive_samples": 3}), ({}, {"diffusion_iterations": 10}), ({}, {"temperature": 0.2}),
         ({}, {"top_p": 0.1}), ({}, {"cond_free": True}), ({"cond_free": True}, {"cond_free": True, "cond_free_k": 9}),
         ({}, {"diffusion_temperature": 0.0}), ({}, {"seed": 7})],
    )  # fmt: skip
    def test_each_option_changes_the_sound(
        self, engine: Cloner, voice: Any, one: dict[str, Any], other: dict[str, Any]
    ) -> None:
        first, second = (self.said(engine, voice, "It.", options=options) for options in (one, other))
        assert first.shape != second.shape or np.max(np.abs(first - second)) > 1e-3

    def test_another_voice_sounds_different(self, engine: Cloner, voice: Any, reference: Reference) -> None:
        preset, cloned = self.said(engine, voice, "It."), self.said(engine, voice, "It.", voices=(reference,))
        assert preset.shape != cloned.shape or np.max(np.abs(preset - cloned)) > 1e-3

    def test_no_voice_is_made_of_silence(self, engine: Cloner, card: ModelCard) -> None:
        silence = np.zeros((6 * card.rate, 1), np.float32)
        with recorded(silence, card.rate) as recording, pytest.raises(BadRequest, match="no speech"):
            list(engine.embed(recording, Cancellation()))

    def test_a_text_beyond_its_longest_is_refused(self, engine: Cloner, voice: Any) -> None:
        with pytest.raises(BadRequest, match="too long"):
            self.said(engine, voice, "xyz " * 200)

    def test_a_text_whose_end_the_model_does_not_reach_is_not_spoken(self, engine: Cloner, voice: Any) -> None:
        """The tiny one has more to say of so long a text than the model may."""
        with pytest.raises(EngineFailed, match="end of the text"):
            self.said(engine, voice, " ".join([self.long] * 8))

    def test_it_writes_the_same_with_a_cache_as_without(self, engine: Cloner, card: ModelCard, weights: Path) -> None:
        done = subprocess.run(
            [interpreter(card, weights.parent), "-m", "tests.engines.tortoise.caching", weights],
            capture_output=True,
            text=True,
            check=True,
        )
        cached, plain = (json.loads(line) for line in done.stdout.splitlines()[-2:])
        assert len(plain[0]) == 30
        assert cached == plain

    def test_a_file_of_something_else_is_refused(
        self, engine: Cloner, card: ModelCard, weights: Path, tmp_path: Path
    ) -> None:
        folder = tmp_path / card.id
        folder.mkdir()
        for file in (*weights.glob("*.pth"), weights / ".venv"):
            (folder / file.name).symlink_to(weights / "vocoder.pth" if file.name == "clvp2.pth" else file)
        with pytest.raises(EngineFailed, match="not Tortoise's"):
            self.loaded(card, folder)


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return read_card(Settings().models.cards / "tortoise.toml")


def test_without_its_files_it_is_not_loaded(card: ModelCard, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        Tortoise.load(card, LoadContext(tmp_path))


def test_a_candidate_that_was_cut_off_is_rated_last() -> None:
    torch = pytest.importorskip("torch")
    candidates = torch.tensor([[5, 6, 7, 8], [5, *END]])
    assert _rate_cut_last(None, (None, candidates), torch.tensor([2.0, 1.0])).tolist() == [-np.inf, 1]


def test_an_option_that_is_given_goes_before_its_presets() -> None:
    chosen = parameters(Tortoise.Options(preset="fast", diffusion_iterations=50, cond_free=False))
    assert chosen == {
        "num_autoregressive_samples": 96,
        "diffusion_iterations": 50,
        "temperature": 0.8,
        "repetition_penalty": 2.0,
        "top_p": 0.8,
        "cond_free": False,
        "cond_free_k": 2.0,
        "diffusion_temperature": 1.0,
    }


@given(st.integers(1, 512))
def test_whole_batches_make_exactly_the_candidates_that_are_asked_for(samples: int) -> None:
    size = largest_batch(samples)
    assert 1 <= size <= BATCH
    assert samples % size == 0
