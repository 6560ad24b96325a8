import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from tests.engines.synthesizer import LONG, SHORT, SynthesizerContract

from ttsai_server.domain import ModelCard, Voice
from ttsai_server.engines.base import Cancellation, LoadContext, Synthesizer
from ttsai_server.engines.tone import Tone
from ttsai_server.errors import EngineFailed


def with_setup(card: ModelCard, **setup: object) -> Tone:
    return Tone.load(replace(card, setup=setup), LoadContext(Path()))


class TestTone(SynthesizerContract):
    model_id = "tone"

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
        start = time.process_time()
        for _ in range(20):
            self.said(engine, voice, "a" * 100)
        assert (time.process_time() - start) / 20 < 0.005

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
