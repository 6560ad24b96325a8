"""Piper's voice says what it is asked to, through phonemes that it was not trained with."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.helper
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.engines.sibilants import TEXT as SIBILANTS
from tests.engines.sibilants import hiss
from tests.engines.synthesizer import SynthesizerContract
from tests.listening import Ear, wer
from tests.weights import card_of, pulled

from ttsai_server.domain import Audio, ModelCard, Preset, SpeechRequest, Voice
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.piper.adapter import Piper, espeaks
from ttsai_server.engines.piper.voice import CONFIG, FIRST, HOP, MODEL
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing
from ttsai_server.text.phonemes import Phonemizers

TEXT = (
    "The museum opens at nine, and the last train to the coast leaves before midnight. "
    "Her brother bought four birds, two boys found the other thirty in a jar of cherry juice near the church."
)
SAYINGS = {
    "en-gb": "The lawyer's daughter asked for a dance; the other bird is over there, near the car.",
    "es-es": "El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia y frío; añoraba a su querido cachorro.",
    "es-mx": "Los zapatos de la calle cinco; ¿quién cazó la llama? ¡El niño y su guía!",
    "fr-fr": "Portez ce vieux whisky au juge blond qui fume ; un bon vin blanc, un parfum brun, en juin.",
    "hi-in": "ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण का सर्वनाश। पाँच घोड़े, छह ख़त, फ़िल्म।",
    "it-it": "Quel vituperabile xenofobo zelante assaggia il whisky ed esclama: alleluja! Gli gnomi, la zia, lo sci.",
    "pt-br": "Luís argüia à Júlia que brações, fé, chá, óxido, pôr, zângão eram palavras do português. Não há irmãs.",
}
STILL = {"noise_scale": 0, "noise_w": 0}
"""Options with which two answers are alike."""
FIRST_SYMBOLS = 130
"""Symbols that the oldest voices have; the newer ones, as all of Hindi, have more, after them."""


class TestPiper(SynthesizerContract):
    model_id = "piper-en_US-joe-medium"

    def test_it_says_the_words(self, engine: Piper, voice: Voice, card: ModelCard, ear: Ear) -> None:
        assert wer(TEXT, ear.listen(Audio(self.said(engine, voice, TEXT), card.rate))) <= 0.1

    @given(text=st.text(max_size=60))
    @example(text="“Café” — naïve… 北京, Привет! نعم ①②③")
    def test_it_has_a_symbol_for_every_sound_of_any_text(self, engine: Piper, voice: Voice, text: str) -> None:
        phonemes = engine.symbols(self.request_for(voice, text))
        assert sum(map(len, engine._ids(phonemes))) >= 2 * sum(symbol.isalpha() for symbol in phonemes)

    @pytest.mark.parametrize("language", SAYINGS)
    def test_even_the_oldest_voices_of_a_language_have_every_sound_of_it(self, engine: Piper, language: str) -> None:
        read_as = language if language in ("en-gb", "pt-br") else language[:2]
        phonemes = espeaks(Phonemizers().phonemize(SAYINGS[language], read_as), language)
        most = len(engine._voice.symbols) if language == "hi-in" else FIRST_SYMBOLS
        known = {symbol for symbol, ids in engine._voice.symbols.items() if ids[0] < most}
        assert {symbol for symbol in phonemes if symbol.isalpha()} <= known

    def test_in_windows_it_makes_the_sound_of_the_whole(self, engine: Piper, voice: Voice) -> None:
        parts = self.stretches(engine, voice, self.long, soon=True, options=STILL)
        whole = self.said(engine, voice, self.long, options=STILL)
        assert len(parts[0].samples) == FIRST * HOP
        assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]
        assert np.abs(np.concatenate([part.samples for part in parts]) - whole).max() < 1e-3

    def test_words_begin_with_their_sibilant(self, engine: Piper, voice: Voice, card: ModelCard) -> None:
        parts = self.stretches(engine, voice, SIBILANTS, timestamps=True, soon=True, options=STILL)
        sound = np.concatenate([part.samples[:, 0] for part in parts])
        begins = [word.start_seconds for part in parts for word in part.words if word.text[0] in "sc"]
        wrong = [abs(begin - hiss(sound, begin, card.rate)) for begin in begins]
        assert np.mean(np.array(wrong) <= 0.05) >= 0.8

    def test_a_longer_length_scale_is_slower_speech(self, engine: Piper, voice: Voice) -> None:
        own, twice = (self.said(engine, voice, self.long, options={"length_scale": scale}) for scale in (1, 2))
        assert 1.6 < len(twice) / len(own) < 2.4

    def test_without_noise_two_answers_are_alike(self, engine: Piper, voice: Voice) -> None:
        one, other = (self.said(engine, voice, self.short, options=STILL) for _ in range(2))
        assert one.shape == other.shape
        assert abs(one - other).max() < 1e-3

    def test_a_voice_of_one_speaker_has_no_second(self, engine: Piper, voice: Voice) -> None:
        with pytest.raises(BadRequest, match="it has 0 to 0") as caught:
            self.said(engine, voice, self.short, options={"speaker": 1})
        assert caught.value.param == "speaker"

    @pytest.mark.parametrize("config", ["", "[]", "{}", '{"phoneme_id_map": {"a": [5]}, "inference": {}}'])
    def test_a_description_of_something_else_is_refused(
        self, card: ModelCard, weights: Path, tmp_path: Path, config: str
    ) -> None:
        (tmp_path / MODEL).symlink_to(weights / MODEL)
        (tmp_path / CONFIG).write_text(config)
        with pytest.raises(EngineFailed, match=CONFIG):
            Piper.load(card, LoadContext(tmp_path))

    @pytest.mark.parametrize("changes", [{"audio": {"sample_rate": 16_000}}, {"phoneme_type": "pinyin"}])
    def test_a_voice_that_is_not_as_its_card_says_is_refused(
        self, card: ModelCard, weights: Path, tmp_path: Path, changes: dict[str, Any]
    ) -> None:
        (tmp_path / MODEL).symlink_to(weights / MODEL)
        (tmp_path / CONFIG).write_text(json.dumps(json.loads((weights / CONFIG).read_text()) | changes))
        with pytest.raises(EngineFailed):
            Piper.load(card, LoadContext(tmp_path))

    def test_a_closed_engine_says_so(self, card: ModelCard, weights: Path, voice: Voice) -> None:
        engine = Piper.load(card, LoadContext(weights))
        engine.close()
        with pytest.raises(EngineFailed):
            self.said(engine, voice, self.short)


@pytest.fixture(scope="module")
def two_speakers(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Piper]:
    """The real voice, with an input for the speaker added to its graph, as voices of several speakers have it.

    The second of them, `whisper`, is a quarter as loud.
    """
    real, folder = pulled(TestPiper.model_id, models_dir), tmp_path_factory.mktemp("speakers")
    graph = onnx.load(real / MODEL)
    (constant,) = (each for each in graph.graph.initializer if each.name == "sid")
    constant.name = "embedding"
    for node in graph.graph.node:
        node.input[:] = ["embedding" if name == "sid" else name for name in node.input]
    graph.graph.input.append(onnx.helper.make_tensor_value_info("sid", onnx.TensorProto.INT64, [1]))
    (last,) = (node for node in graph.graph.node if "output" in node.output)
    last.output[0] = "alike"
    constants = {"quarter": 0.25, "one": 1.0}
    graph.graph.initializer.extend(
        onnx.helper.make_tensor(name, onnx.TensorProto.FLOAT, [1], [value]) for name, value in constants.items()
    )
    graph.graph.node.extend(
        [
            onnx.helper.make_node("Cast", ["sid"], ["second"], to=onnx.TensorProto.BOOL),
            onnx.helper.make_node("Where", ["second", "quarter", "one"], ["gain"]),
            onnx.helper.make_node("Mul", ["alike", "gain"], ["output"]),
        ]
    )
    onnx.save(graph, folder / MODEL)
    config = json.loads((real / CONFIG).read_text()) | {
        "num_speakers": 2,
        "speaker_id_map": {"normal": 0, "whisper": 1},
    }
    (folder / CONFIG).write_text(json.dumps(config))
    engine = Piper.load(card_of(TestPiper.model_id), LoadContext(folder))
    yield engine
    engine.close()


def loudest(engine: Piper, **options: object) -> float:
    request = SpeechRequest("The rain has stopped.", (Preset("en_US-joe-medium"),), "en-us", options=options)
    return max(float(np.abs(audio.samples).max()) for audio in engine.synthesize(request, Cancellation()))


@pytest.mark.parametrize("speaker", ["whisper", 1, "1"])
def test_a_speaker_is_asked_for_by_name_or_number(two_speakers: Piper, speaker: str | int) -> None:
    assert loudest(two_speakers, speaker=speaker) < 0.5 * loudest(two_speakers)


@pytest.mark.parametrize("speaker", ["shout", 2, "-1", ""])
def test_a_speaker_that_it_lacks_is_refused_by_a_message_that_names_the_others(
    two_speakers: Piper, speaker: str | int
) -> None:
    with pytest.raises(BadRequest, match="it has 0 to 1, by name normal, whisper"):
        loudest(two_speakers, speaker=speaker)


@pytest.mark.parametrize(
    ("language", "ours", "theirs"),
    [
        ("en-us", "hˈæpi", "hˈæpi"),
        ("en-us", "ɹˈid", "ɹˈiːd"),
        ("en-us", "bˈɜɹd", "bˈɜːd"),
        ("en-us", "bˈɛTəɹ", "bˈɛɾɚ"),
        ("en-us", "ʤˈYn", "dʒˈɔɪn"),
        ("en-us", "gˈO—", "gˈoʊ,"),
        ("en-gb", "gˈQ", "gˈəʊ"),
        ("es-es", "lˈuθ", "lˈuθ"),
        ("es-mx", "kˈaʎe", "kˈaʝe"),
        ("es-ar", "θˈiŋko", "sˈiŋko"),
        ("it-it", "ʣˈio", "dzˈio"),
    ],
)
def test_phonemes_are_written_as_espeak_writes_them(language: str, ours: str, theirs: str) -> None:
    assert espeaks(ours, language) == theirs


def test_without_weights_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        Piper.load(card_of(TestPiper.model_id), LoadContext(tmp_path))
