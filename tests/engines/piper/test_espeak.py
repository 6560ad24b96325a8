"""Piper's voices that espeak-ng reads for.

No registry has the weights of one: they are the real ones of another voice, Joe, described as those of the language.
"""

from pathlib import Path

import pytest
from tests.engines.piper.described import write_voice
from tests.engines.synthesizer import SynthesizerContract
from tests.weights import card_of, pulled

from ttsai_server.domain import Voice
from ttsai_server.engines.base import LoadContext
from ttsai_server.engines.piper.espeak import EspeakPiper
from ttsai_server.errors import BadRequest


class TestEspeakPiper(SynthesizerContract):
    model_id = "piper-de_DE-thorsten-medium"
    short = "Es regnet nicht mehr."
    long = "Es regnet nicht mehr, und die Kinder spielen wieder im Garten hinter dem alten Haus am Fluss."

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
        real = pulled("piper-en_US-joe-medium", models_dir)
        return write_voice(tmp_path_factory.mktemp("thorsten"), real, espeak={"voice": "de"})

    def test_it_reads_german(self, engine: EspeakPiper, voice: Voice) -> None:
        assert engine.symbols(self.request_for(voice, "Guten Tag!")) == "ɡˈuːtən tˈɑːk!"


def test_arabic_is_read_with_its_vowels(models_dir: Path, tmp_path: Path) -> None:
    real = pulled("piper-en_US-joe-medium", models_dir)
    write_voice(tmp_path, real, espeak={"voice": "ar"})
    engine = EspeakPiper.load(card_of("piper-ar_JO-kareem-medium"), LoadContext(tmp_path))
    request = TestEspeakPiper().request_for(card_of("piper-ar_JO-kareem-medium").voices[0], "مرحبا")
    assert "u" in engine.symbols(request)
    engine.close()


def test_a_voice_trained_on_letters_is_given_the_text_itself(models_dir: Path, tmp_path: Path) -> None:
    real = pulled("piper-en_US-joe-medium", models_dir)
    write_voice(tmp_path, real, phoneme_type="text", num_speakers=3)
    card = card_of("piper-uk_UA-ukrainian_tts-medium")
    engine = EspeakPiper.load(card, LoadContext(tmp_path))
    request = TestEspeakPiper().request_for(card.voices[0], "Йод")
    assert engine.symbols(request) == "и\u0306од"
    with pytest.raises(BadRequest, match="no sound for д, и, о"):
        engine._ids(engine.symbols(request))
    engine.close()
