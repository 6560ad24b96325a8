from pathlib import Path

import numpy as np
import pytest
from tests.engines.cloner import ClonerContract
from tests.engines.voice_encoder import Sound, recorded
from tests.listening import Ear, wer

from ttsai_server.domain import Audio, ModelCard, Preset, Reference, SpeechRequest
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.kokoro.adapter import Kokoro
from ttsai_server.engines.kokoro.prosody import Prosody, blend
from ttsai_server.engines.kokoro.stock import Stock
from ttsai_server.engines.shared.speaker_encoder import SpeakerEncoder
from ttsai_server.errors import BadRequest, WeightsMissing
from ttsai_server.settings import Settings

SPEAKER = (Preset("am_fenrir", 0.7), Preset("jf_alpha", 0.3))
"""A voice that the model can have and the search has not seen."""
REFERENCE = "Several neighbours have asked for longer opening hours, and better lighting near the entrance."
SENTENCE = "In spring the gardens behind our house are full of birds, and the old postman stops to listen for a minute."


def said(engine: Kokoro, text: str, *voices: Preset | Reference) -> np.ndarray:
    """float32 (n,)."""
    spoken = engine.synthesize(SpeechRequest(text, voices, "en-us"), Cancellation())
    return np.concatenate([audio.samples for audio in spoken])[:, 0]


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return read_card(Settings().models.cards / "kokoro.toml")


class TestCloning(ClonerContract):
    model_id = "kokoro"

    @pytest.fixture(scope="class")
    @classmethod
    def reference_sound(cls, engine: Kokoro, speakers_weights: Path) -> Sound:
        """Of SPEAKER."""
        return said(engine, REFERENCE, *SPEAKER)[:, None]

    @pytest.fixture(scope="class")
    @classmethod
    def clone(cls, engine: Kokoro, reference: Reference) -> np.ndarray:
        """SENTENCE in the voice from the recording."""
        return said(engine, SENTENCE, reference)

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, models_dir: Path, speakers_weights: Path) -> SpeakerEncoder:
        return SpeakerEncoder(models_dir)

    def test_the_voice_is_nearer_to_the_speaker_than_any_stock_voice(
        self, clone: np.ndarray, reference_sound: Sound, encoder: SpeakerEncoder, card: ModelCard
    ) -> None:
        speaker = encoder.embed(reference_sound[:, 0], card.rate, Cancellation())
        stock = Stock.read()
        nearest = np.max((stock.embeddings - stock.sentence) @ speaker)
        assert encoder.embed(clone, card.rate, Cancellation()) @ speaker > nearest

    def test_the_similarity_that_it_names_is_near_to_that_of_another_sentence(
        self, clone: np.ndarray, reference: Reference, reference_sound: Sound, encoder: SpeakerEncoder, card: ModelCard
    ) -> None:
        one, other = (encoder.embed(x, card.rate, Cancellation()) for x in (clone, reference_sound[:, 0]))
        assert reference.similarity == pytest.approx(float(one @ other), abs=0.1)

    def test_the_voice_has_the_speakers_pitch(self, clone: np.ndarray, reference_sound: Sound, card: ModelCard) -> None:
        one, other = Prosody.heard(clone, card.rate), Prosody.heard(reference_sound[:, 0], card.rate)
        assert one
        assert other
        assert one.pitch == pytest.approx(other.pitch, abs=0.12)

    def test_the_voice_says_the_words(self, clone: np.ndarray, card: ModelCard, ear: Ear) -> None:
        assert wer(SENTENCE, ear.listen(Audio(clone[:, None], card.rate))) <= 0.1

    def test_no_voice_is_made_of_noise(self, engine: Kokoro, card: ModelCard, speakers_weights: Path) -> None:
        noise = 0.1 * np.random.default_rng(0).normal(size=(4 * card.rate, 1)).astype(np.float32)
        with recorded(noise, card.rate) as recording, pytest.raises(BadRequest, match="no voice"):
            list(engine.embed(recording, Cancellation()))

    def test_without_the_speaker_encoder_it_speaks_but_makes_no_voice(
        self, card: ModelCard, weights: Path, reference_sound: Sound, tmp_path: Path
    ) -> None:
        (tmp_path / "kokoro").symlink_to(weights)
        engine = Kokoro.load(card, LoadContext(tmp_path / "kokoro"))
        assert len(said(engine, "Hello.", Preset("af_heart")))
        with recorded(reference_sound, card.rate) as recording, pytest.raises(WeightsMissing, match="speakers"):
            list(engine.embed(recording, Cancellation()))
        engine.close()


@pytest.mark.parametrize("voice", ["af_bella", "am_onyx", "zf_xiaoyi"])
def test_a_blend_has_the_pitch_of_a_stock_voice_that_is_wanted(voice: str) -> None:
    stock = Stock.read()
    wanted = stock.prosody[stock.voices.index(voice)]
    weights = blend(Prosody(*wanted.tolist()), stock.prosody)
    assert np.min(weights) >= 0
    assert np.sum(weights) == pytest.approx(1)
    assert (weights @ stock.prosody)[0] == pytest.approx(wanted[0], abs=0.15)


def test_every_stock_voice_was_measured(card: ModelCard) -> None:
    assert set(Stock.read().voices) == {voice.id for voice in card.voices}
