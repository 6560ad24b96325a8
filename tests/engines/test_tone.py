import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from tests.engines.cloner import ClonerContract
from tests.engines.converter import ConverterContract, joined
from tests.engines.synthesizer import LONG, SHORT
from tests.engines.voice_encoder import Sound, recorded

from ttsai_server.audio.pitch import mean_pitch, track
from ttsai_server.domain import Audio, ModelCard, Reference, Voice
from ttsai_server.engines.base import Cancellation, LoadContext, Synthesizer
from ttsai_server.engines.tone import HERTZ, Tone
from ttsai_server.errors import BadRequest, EngineFailed


def with_setup(card: ModelCard, **setup: object) -> Tone:
    return Tone.load(replace(card, setup=setup), LoadContext(Path()))


class TestTone(ClonerContract, ConverterContract):
    model_id = "tone"
    kind = Tone

    @pytest.fixture(scope="class")
    @classmethod
    def slow_engine(cls, card: ModelCard) -> Synthesizer:
        return with_setup(card, step_seconds=5)

    @pytest.mark.parametrize(("number", "hertz"), [(0, 220), (1, 262)])
    def test_each_voice_has_its_pitch(self, engine: Synthesizer, card: ModelCard, number: int, hertz: int) -> None:
        sound = self.said(engine, card.voices[number], LONG)
        loudest = np.argmax(np.abs(np.fft.rfft(sound[:, 0])))
        assert loudest * card.rate / len(sound) == pytest.approx(hertz, abs=0.5)

    def test_length_is_proportional_to_the_text(self, engine: Synthesizer, voice: Voice, card: ModelCard) -> None:
        assert len(self.said(engine, voice, "a" * 100)) == 6 * card.rate

    def test_it_is_cheap(self, engine: Synthesizer, voice: Voice) -> None:
        def cost() -> float:
            start = time.process_time()
            self.said(engine, voice, "a" * 100)
            return time.process_time() - start

        assert min(cost() for _ in range(20)) < 0.005

    def test_steps_make_the_same_sound_in_pieces(self, engine: Synthesizer, voice: Voice, card: ModelCard) -> None:
        stretches = self.stretches(with_setup(card, steps=3), voice, LONG)
        assert len(stretches) == 3
        assert np.array_equal(np.concatenate([a.samples for a in stretches]), self.said(engine, voice, LONG))

    def test_a_step_takes_the_time_that_was_set(self, voice: Voice, card: ModelCard) -> None:
        start = time.monotonic()
        self.stretches(with_setup(card, steps=2, step_seconds=0.1), voice, SHORT)
        assert time.monotonic() - start >= 0.2

    def test_loading_takes_the_time_that_was_set(self, card: ModelCard) -> None:
        start = time.monotonic()
        with_setup(card, load_seconds=0.1)
        assert time.monotonic() - start >= 0.1

    def test_it_fails_where_it_is_told_to(self, voice: Voice, card: ModelCard) -> None:
        engine = with_setup(card, steps=2, fail_on="rain")
        steps = engine.synthesize(self.request_for(voice, SHORT), Cancellation())
        next(steps)
        with pytest.raises(EngineFailed):
            next(steps)
        assert len(self.stretches(engine, voice, "No such word.")) == 2

    def test_an_unknown_setting_is_an_error(self, card: ModelCard) -> None:
        with pytest.raises(ValidationError):
            with_setup(card, speed=3)

    def test_a_voice_is_the_pitch_of_its_speaker(self, reference: Reference) -> None:
        assert float(reference.arrays[HERTZ]) == pytest.approx(self.hertz, rel=0.02)

    def test_it_speaks_at_that_pitch(self, engine: Tone, reference: Reference, card: ModelCard) -> None:
        assert self.pitch(self.cloned(engine, reference, LONG), card) == pytest.approx(self.hertz, rel=0.02)

    def test_it_converts_to_that_pitch(self, conversion: list[Audio], card: ModelCard) -> None:
        assert self.pitch(joined(conversion), card) == pytest.approx(self.hertz, rel=0.02)

    def test_a_conversion_is_as_loud_as_its_source(self, conversion: list[Audio], source: Sound) -> None:
        assert np.std(joined(conversion)) == pytest.approx(np.std(source), rel=0.05)

    def test_no_voice_is_made_of_noise(self, engine: Tone, card: ModelCard) -> None:
        noise = 0.1 * np.random.default_rng(0).normal(size=(card.rate, 1)).astype(np.float32)
        with recorded(noise, card.rate) as recording, pytest.raises(BadRequest, match="no voice"):
            list(engine.embed(recording, Cancellation()))

    def pitch(self, sound: np.ndarray, card: ModelCard) -> float:
        return mean_pitch(track(sound[:, 0], card.rate))
