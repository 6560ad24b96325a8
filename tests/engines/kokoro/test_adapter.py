"""Kokoro says what it is asked to, on each runtime of the CPU, and stops when told."""

import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from threading import Timer

import numpy as np
import pytest
from tests.engines.contract import SynthesizerContract
from tests.listening import Ear, wer

from ttsai_server.domain import Audio, ModelCard, SpeechRequest
from ttsai_server.engines.base import Cancellation, Cancelled, Place
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.kokoro.adapter import Kokoro
from ttsai_server.errors import BadRequest, EngineFailed
from ttsai_server.settings import Settings

TEXT = "The museum opens at nine, and the last train to the coast leaves before midnight."
LONG = " ".join([TEXT] * 3)
HEART = (("af_heart", 1.0),)


def request(text: str = TEXT, voices: tuple[tuple[str, float], ...] = HEART, speed: float = 1.0) -> SpeechRequest:
    return SpeechRequest(text, voices, "en-us", speed)


def say(engine: Kokoro, asked: SpeechRequest) -> Audio:
    pieces = list(engine.synthesize(asked, Cancellation()))
    return Audio(np.concatenate([piece.samples for piece in pieces]), pieces[0].rate)


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return read_card(Settings().models.cards / "kokoro.toml")


@pytest.fixture(scope="module", params=["openvino", "onnxruntime"])
def engine(card: ModelCard, kokoro_weights: Path, request: pytest.FixtureRequest) -> Generator[Kokoro]:
    Kokoro.prepare(card, kokoro_weights)
    loaded = Kokoro.load(replace(card, options={"runtime": request.param}), Place(kokoro_weights))
    yield loaded
    loaded.close()


def test_it_says_the_words(engine: Kokoro, ear: Ear) -> None:
    assert wer(TEXT, ear.listen(say(engine, request()))) <= 0.1


def test_sound_is_mono_float32_at_the_cards_rate(engine: Kokoro, card: ModelCard) -> None:
    audio = say(engine, request("Hello."))
    assert (audio.samples.dtype, audio.samples.shape[1], audio.rate) == (np.float32, 1, card.rate)


def test_equal_requests_give_equal_sound(engine: Kokoro) -> None:
    first, second = (say(engine, request("Hello.")).samples for _ in range(2))
    assert np.array_equal(first, second)


def test_twice_the_speed_takes_about_half_as_long(engine: Kokoro) -> None:
    assert say(engine, request(speed=2.0)).seconds == pytest.approx(say(engine, request()).seconds / 2, rel=0.2)


def test_a_blend_is_neither_of_its_voices(engine: Kokoro) -> None:
    both = say(engine, request("Hello.", (("af_heart", 1.0), ("am_michael", 1.0)))).samples
    for voice in ("af_heart", "am_michael"):
        one = say(engine, request("Hello.", ((voice, 1.0),))).samples
        assert one.shape != both.shape or not np.allclose(one, both, atol=1e-3)


def test_a_blend_depends_on_the_ratio_of_its_weights_alone(engine: Kokoro) -> None:
    one, two = (say(engine, request("Hello.", (("af_heart", w), ("am_michael", 3 * w)))).samples for w in (1.0, 2.0))
    assert np.array_equal(one, two)


def test_a_long_text_comes_in_pieces_and_loses_no_word(engine: Kokoro, ear: Ear) -> None:
    pieces = list(engine.synthesize(request(LONG), Cancellation()))
    heard = " ".join(ear.listen(piece) for piece in pieces)
    assert len(pieces) > 1
    assert wer(LONG, heard) <= 0.1


def test_the_last_piece_says_that_it_is(engine: Kokoro) -> None:
    *others, last = engine.synthesize(request(LONG), Cancellation())
    assert last.last
    assert not any(piece.last for piece in others)


def test_told_to_stop_it_spends_less_than_a_second_more(engine: Kokoro) -> None:
    cancellation = Cancellation()
    told: list[float] = []
    Timer(0.3, lambda: (told.append(time.process_time()), cancellation.cancel())).start()
    with pytest.raises(Cancelled):
        for _ in engine.synthesize(request(LONG), cancellation):
            pass
    assert time.process_time() - told[0] < 1.0


def test_it_speaks_on_after_a_stop(engine: Kokoro) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(Cancelled):
        next(engine.synthesize(request(), cancellation))
    assert say(engine, request("Hello.")).seconds > 0.3


@pytest.mark.parametrize("voice", ["nobody", "../voices/af_heart", ""])
def test_an_unknown_voice_is_refused(engine: Kokoro, voice: str) -> None:
    with pytest.raises(BadRequest):
        say(engine, request(voices=((voice, 1.0),)))


def test_text_without_words_is_refused(engine: Kokoro) -> None:
    with pytest.raises(BadRequest):
        say(engine, request("…"))


def test_closing_twice_is_closing_once(card: ModelCard, kokoro_weights: Path) -> None:
    Kokoro.prepare(card, kokoro_weights)
    engine = Kokoro.load(replace(card, options={"runtime": "onnxruntime"}), Place(kokoro_weights))
    engine.close()
    engine.close()
    with pytest.raises(EngineFailed):
        say(engine, request("Hello."))


class TestContract(SynthesizerContract):
    model_id = "kokoro"
    voice = "af_heart"

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, kokoro_weights: Path) -> Path:
        return kokoro_weights
