"""Kokoro says what it is asked to, on each runtime of the CPU, and stops when told.

What a runtime can't change, the suite of cloners asks of it on OpenVINO alone (test_cloning).
"""

import json
import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from threading import Timer

import numpy as np
import pytest
from tests.listening import Ear, wer

from ttsai_server.domain import Audio, ModelCard, Preset, SpeechRequest
from ttsai_server.engines.base import Cancellation, Cancelled, LoadContext
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.kokoro.adapter import Kokoro
from ttsai_server.errors import BadRequest, EngineFailed
from ttsai_server.settings import Settings
from ttsai_server.text.phonemes.alphabet import ALPHABET

TEXT = "The museum opens at nine, and the last train to the coast leaves before midnight."
LONG = " ".join([TEXT] * 2)
HEART = (Preset("af_heart"),)


def request(
    text: str = TEXT, voices: tuple[Preset, ...] = HEART, speed: float = 1.0, *, soon: bool = False
) -> SpeechRequest:
    return SpeechRequest(text, voices, "en-us", speed, soon)


def say(engine: Kokoro, asked: SpeechRequest) -> Audio:
    pieces = list(engine.synthesize(asked, Cancellation()))
    return Audio(np.concatenate([piece.samples for piece in pieces]), pieces[0].rate)


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return read_card(Settings().models.cards / "kokoro.toml")


@pytest.fixture(scope="module", params=["openvino", "onnxruntime"])
def engine(card: ModelCard, kokoro_weights: Path, request: pytest.FixtureRequest) -> Generator[Kokoro]:
    Kokoro.prepare(card, kokoro_weights)
    loaded = Kokoro.load(replace(card, setup={"runtime": request.param}), LoadContext(kokoro_weights))
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def said(engine: Kokoro) -> Audio:
    """TEXT."""
    return say(engine, request())


@pytest.fixture(scope="module")
def pieces(engine: Kokoro) -> list[Audio]:
    """LONG."""
    return list(engine.synthesize(request(LONG), Cancellation()))


def test_it_says_the_words(said: Audio, ear: Ear) -> None:
    assert wer(TEXT, ear.listen(said)) <= 0.1


def test_a_blend_depends_on_the_ratio_of_its_weights_alone(engine: Kokoro) -> None:
    blends = ((Preset("af_heart", weight), Preset("am_michael", 3 * weight)) for weight in (1.0, 2.0))
    one, two = (say(engine, request("Hello.", blend)).samples for blend in blends)
    assert np.array_equal(one, two)


def test_a_long_text_comes_in_pieces_and_loses_no_word(pieces: list[Audio], ear: Ear) -> None:
    heard = " ".join(ear.listen(piece) for piece in pieces)
    assert len(pieces) > 1
    assert wer(LONG, heard) <= 0.1


def test_the_last_piece_says_that_it_is(pieces: list[Audio]) -> None:
    *others, last = pieces
    assert last.last
    assert not any(piece.last for piece in others)


@pytest.mark.parametrize("engine", ["openvino"], indirect=True, scope="module")
class TestWantedSoon:
    """What is said in windows, because someone waits for its first sound, beside the same said at once.

    Every runtime runs the same chain of graphs, so one is asked.
    """

    TEXT = "The quick brown fox jumps over the lazy dog. She sells sea shells by the sea shore."

    @pytest.fixture(scope="class")
    @classmethod
    def parts(cls, engine: Kokoro) -> list[Audio]:
        return list(engine.synthesize(request(cls.TEXT, soon=True), Cancellation()))

    @pytest.fixture(scope="class")
    @classmethod
    def joined(cls, parts: list[Audio]) -> Audio:
        return Audio(np.concatenate([part.samples for part in parts]), parts[0].rate)

    @pytest.fixture(scope="class")
    @classmethod
    def whole(cls, engine: Kokoro) -> Audio:
        return say(engine, request(cls.TEXT))

    def test_a_short_part_comes_first(self, parts: list[Audio]) -> None:
        assert parts[0].seconds < 1.3 < parts[-1].seconds
        assert [part.last for part in parts] == [*[False] * (len(parts) - 1), True]

    def test_it_takes_as_long(self, joined: Audio, whole: Audio) -> None:
        assert joined.samples.shape == whole.samples.shape

    def test_it_says_the_same_words_in_the_same_sentences(self, joined: Audio, whole: Audio, ear: Ear) -> None:
        heard, expected = ear.listen(joined), ear.listen(whole)
        assert wer(expected, heard) <= 0.06
        assert heard.count(".") <= expected.count(".")

    def test_every_part_is_as_loud(self, parts: list[Audio], whole: Audio) -> None:
        begin = 0
        for part in parts:
            beside = whole.samples[begin : begin + len(part.samples)]
            assert abs(20 * np.log10(np.std(part.samples) / np.std(beside))) < 1
            begin += len(part.samples)

    def test_no_seam_clicks(self, parts: list[Audio], joined: Audio) -> None:
        steps = np.abs(np.diff(joined.samples[:, 0]))
        for seam in np.cumsum([len(part.samples) for part in parts])[:-1]:
            assert steps[seam - 60 : seam + 660].max() < np.quantile(steps, 0.99)

    def test_silence_between_the_sentences_is_as_long(self, joined: Audio, whole: Audio) -> None:
        assert longest_silence(joined) == pytest.approx(longest_silence(whole), abs=0.05)

    def test_a_short_text_comes_at_once(self, engine: Kokoro) -> None:
        assert len(list(engine.synthesize(request("Hello.", soon=True), Cancellation()))) == 1


def longest_silence(audio: Audio) -> float:
    """Seconds, between sounds; a frame of 10 ms that is 40 dB below the peak is silent."""
    frames = audio.samples[: len(audio.samples) // 240 * 240].reshape(-1, 240)
    loud = np.flatnonzero(np.sqrt(np.mean(frames**2, axis=1)) > 0.01 * np.abs(frames).max())
    return float(np.diff(loud).max()) * 0.01


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
        say(engine, request(voices=(Preset(voice),)))


def test_text_without_words_is_refused(engine: Kokoro) -> None:
    with pytest.raises(BadRequest):
        say(engine, request("…"))


def test_it_has_a_symbol_for_every_phoneme(kokoro_weights: Path) -> None:
    assert json.loads((kokoro_weights / "config.json").read_text())["vocab"].keys() >= ALPHABET


def test_closing_twice_is_closing_once(card: ModelCard, kokoro_weights: Path) -> None:
    Kokoro.prepare(card, kokoro_weights)
    engine = Kokoro.load(replace(card, setup={"runtime": "onnxruntime"}), LoadContext(kokoro_weights))
    engine.close()
    engine.close()
    with pytest.raises(EngineFailed):
        say(engine, request("Hello."))
