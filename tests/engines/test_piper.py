"""Piper's voice says what it is asked to, through phonemes that it was not trained with."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.engines.synthesizer import SynthesizerContract
from tests.listening import Ear, wer

from ttsai_server.domain import Audio, ModelCard, Voice
from ttsai_server.engines.base import LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.piper import CONFIG, MODEL, Piper, espeaks
from ttsai_server.errors import EngineFailed, WeightsMissing
from ttsai_server.settings import Settings

TEXT = (
    "The museum opens at nine, and the last train to the coast leaves before midnight. "
    "Her brother bought four birds, two boys found the other thirty in a jar of cherry juice near the church."
)


class TestPiper(SynthesizerContract):
    model_id = "piper-en_US-joe-medium"

    def test_it_says_the_words(self, engine: Piper, voice: Voice, card: ModelCard, ear: Ear) -> None:
        assert wer(TEXT, ear.listen(Audio(self.said(engine, voice, TEXT), card.rate))) <= 0.1

    @given(text=st.text(max_size=60))
    @example(text="“Café” — naïve… 北京, Привет! نعم ①②③")
    def test_it_has_a_symbol_for_every_sound_of_any_text(self, engine: Piper, text: str) -> None:
        phonemes = espeaks(engine._phonemizers.phonemize(text, "en-us"))
        assert engine._ids(phonemes).shape[1] >= 2 * sum(symbol.isalpha() for symbol in phonemes)

    @pytest.mark.parametrize("config", ["", "[]", "{}", '{"phoneme_id_map": {"a": [5]}, "inference": {}}'])
    def test_a_description_of_something_else_is_refused(
        self, card: ModelCard, weights: Path, tmp_path: Path, config: str
    ) -> None:
        (tmp_path / MODEL).symlink_to(weights / MODEL)
        (tmp_path / CONFIG).write_text(config)
        with pytest.raises(EngineFailed, match=CONFIG):
            Piper.load(card, LoadContext(tmp_path))

    def test_a_closed_engine_says_so(self, card: ModelCard, weights: Path, voice: Voice) -> None:
        engine = Piper.load(card, LoadContext(weights))
        engine.close()
        with pytest.raises(EngineFailed):
            self.said(engine, voice, self.short)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("hˈæpi", "hˈæpi"),
        ("ɹˈid", "ɹˈiːd"),
        ("bˈɜɹd", "bˈɜːd"),
        ("bˈɛTəɹ", "bˈɛɾɚ"),
        ("ʤˈYn", "dʒˈɔɪn"),
        ("gˈO—", "gˈoʊ,"),
    ],
)
def test_phonemes_are_written_as_espeak_writes_them(ours: str, theirs: str) -> None:
    assert espeaks(ours) == theirs


def test_without_weights_it_says_so(tmp_path: Path) -> None:
    card = read_card(Settings().models.cards / f"{TestPiper.model_id}.toml")
    with pytest.raises(WeightsMissing):
        Piper.load(card, LoadContext(tmp_path))
