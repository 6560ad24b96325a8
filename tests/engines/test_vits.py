"""VITS by letters, with a tiny random checkpoint: no registry has a real one."""

from pathlib import Path

import numpy as np
import pytest
from tests.engines.synthesizer import SynthesizerContract
from tests.engines.tiny_vits import write_tiny_vits
from tests.weights import card_of

from ttsai_server.domain import ModelCard, Voice
from ttsai_server.engines.base import LoadContext
from ttsai_server.engines.vits import Vits
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing


class TestVits(SynthesizerContract):
    model_id = "vits-mms-eng"
    short = "The rain."
    long = "The rain has stopped at long last."
    """Ten of them are not much more than the longest piece that a server asks for: attention grows with the square."""

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return write_tiny_vits(tmp_path_factory.mktemp("vits"))

    def test_another_seed_is_another_rendering(self, engine: Vits, voice: Voice) -> None:
        one, other = (self.said(engine, voice, self.short, options={"seed": seed}) for seed in (0, 1))
        assert one.shape != other.shape or np.abs(one - other).max() > 0.001

    @pytest.mark.parametrize(
        ("text", "letters"), [("Café 21!", "cafe  twenty-one !"), ("naïve — ok", "naive — ok"), ("Über", "uber")]
    )
    def test_numbers_are_words_and_unknown_accents_are_left_out(self, engine: Vits, text: str, letters: str) -> None:
        assert engine._letters(text, "en") == letters

    @pytest.mark.parametrize("text", ["Привет", "a語b", "…", "12 да"])
    def test_what_it_has_no_letters_for_is_refused(self, engine: Vits, voice: Voice, text: str) -> None:
        with pytest.raises(BadRequest):
            self.said(engine, voice, text)

    def test_other_files_are_refused(self, card: ModelCard, weights: Path, tmp_path: Path) -> None:
        for file in weights.iterdir():
            (tmp_path / file.name).symlink_to(file)
        (tmp_path / "model.safetensors").unlink()
        (tmp_path / "model.safetensors").write_bytes(b"nothing")
        with pytest.raises(EngineFailed, match="no checkpoint of VITS"):
            Vits.load(card, LoadContext(tmp_path))


def test_a_voice_that_knows_latin_letters_alone_is_given_those(tmp_path: Path) -> None:
    engine = Vits.load(card_of("vits-mms-kor"), LoadContext(write_tiny_vits(tmp_path, uroman=True)))
    assert engine._letters("안녕", "ko") == "annyeong"
    engine.close()


def test_without_weights_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        Vits.load(card_of("vits-mms-eng"), LoadContext(tmp_path))
