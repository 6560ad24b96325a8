"""What every engine that speaks must do."""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from tests.engines.contract import EngineContract

from ttsai_server.domain import Audio, ModelCard, Preset, SpeechRequest, Voice
from ttsai_server.engines.base import Cancellation, Cancelled, Synthesizer
from ttsai_server.errors import BadRequest

SHORT = "The rain has stopped."
LONG = "The rain has stopped, and the children are playing in the garden behind the old house again."


def joined(stretches: Sequence[Audio]) -> np.ndarray:
    return np.concatenate([audio.samples for audio in stretches])


class SynthesizerContract(EngineContract):
    """What its card does not promise is not asked of it: blends, equal sound for equal requests, speeds, English."""

    kind = Synthesizer
    short: ClassVar[str] = SHORT
    """A sentence that the voice can read."""
    long: ClassVar[str] = LONG
    """One at least three times as long."""
    tolerance: ClassVar[float] = 0.0
    """Largest difference of a sample between two answers to one request, where the card says that they are equal."""

    @pytest.fixture(scope="class")
    @classmethod
    def voice(cls, card: ModelCard) -> Voice:
        return card.voices[0]

    def request_for(self, voice: Voice, text: str, **changes: Any) -> SpeechRequest:
        return replace(SpeechRequest(text, (Preset(voice.id),), voice.language), **changes)

    def stretches(self, engine: Synthesizer, voice: Voice, text: str, **changes: Any) -> list[Audio]:
        return list(engine.synthesize(self.request_for(voice, text, **changes), Cancellation()))

    def said(self, engine: Synthesizer, voice: Voice, text: str, **changes: Any) -> np.ndarray:
        return joined(self.stretches(engine, voice, text, **changes))

    def same(self, card: ModelCard, one: np.ndarray, other: np.ndarray) -> bool:
        """Whether both can be answers to one request."""
        if not card.deterministic:
            return len(one) == pytest.approx(len(other), rel=0.5)
        return one.shape == other.shape and float(np.max(np.abs(one - other))) <= self.tolerance

    @pytest.fixture(scope="class")
    @classmethod
    def plain(cls, engine: Synthesizer, voice: Voice) -> list[Audio]:
        """`short`, said once for all tests that hear it."""
        return cls().stretches(engine, voice, cls.short)

    @pytest.fixture(scope="class")
    @classmethod
    def plain_long(cls, engine: Synthesizer, voice: Voice) -> np.ndarray:
        """`long`, said once for all tests that hear it."""
        return cls().said(engine, voice, cls.long)

    def test_sound_is_mono_float32_at_the_cards_rate(self, plain: list[Audio], card: ModelCard) -> None:
        for audio in plain:
            assert (audio.samples.dtype, audio.samples.ndim, audio.samples.shape[1]) == (np.float32, 2, 1)
            assert audio.rate == card.rate

    def test_sound_is_neither_silent_nor_too_loud(self, plain: list[Audio]) -> None:
        sound = joined(plain)
        assert np.all(np.isfinite(sound))
        assert 0.05 < np.max(np.abs(sound)) <= 1

    def test_a_sentence_takes_as_long_as_one(self, plain_long: np.ndarray, card: ModelCard) -> None:
        assert 0.03 <= len(plain_long) / card.rate / len(self.long) <= 0.12

    def test_it_warms_up_in_a_language_of_its_own(self, engine: Synthesizer, card: ModelCard) -> None:
        engine.warm_up(card)

    def test_one_request_has_one_answer(
        self, engine: Synthesizer, voice: Voice, card: ModelCard, plain: list[Audio]
    ) -> None:
        assert self.same(card, joined(plain), self.said(engine, voice, self.short))

    def test_a_longer_text_takes_longer(self, plain: list[Audio], plain_long: np.ndarray) -> None:
        assert len(plain_long) > 2 * len(joined(plain))

    @pytest.mark.parametrize("end", ["slowest", "fastest"])
    def test_the_speeds_of_its_card_change_how_long_it_takes(
        self, engine: Synthesizer, voice: Voice, card: ModelCard, plain_long: np.ndarray, end: str
    ) -> None:
        speed: float = getattr(card, end)
        assert len(plain_long) / len(self.said(engine, voice, self.long, speed=speed)) == pytest.approx(speed, rel=0.2)

    def test_a_blend_is_neither_of_its_voices(self, engine: Synthesizer, card: ModelCard) -> None:
        if not card.blends:
            pytest.skip("its card says that it does not blend")
        a, b = ((Preset(voice.id),) for voice in card.voices[:2])
        blend = self.said(engine, card.voices[0], self.short, voices=a + b)
        for voices in (a, b):
            alone = self.said(engine, card.voices[0], self.short, voices=voices)
            length = min(len(alone), len(blend))
            assert np.max(np.abs(alone[:length] - blend[:length])) > 0.01

    def test_it_tells_when_it_says_each_word(self, engine: Synthesizer, voice: Voice, card: ModelCard) -> None:
        if not card.timestamps:
            pytest.skip("its card says that it does not tell")
        sound = self.stretches(engine, voice, self.long, timestamps=True)
        words = [word for audio in sound for word in audio.words]
        assert [word.text for word in words] == self.long.split()
        assert [self.long[word.start_char : word.end_char] for word in words] == self.long.split()
        moments = [at for word in words for at in (word.start_seconds, word.end_seconds)]
        assert moments == sorted(moments)
        assert moments[-1] <= sum(audio.seconds for audio in sound)

    def test_it_does_not_tell_unasked(self, plain: list[Audio]) -> None:
        assert not any(audio.words for audio in plain)

    @pytest.mark.parametrize("text", ["", " "])
    def test_nothing_to_say_is_told_before_the_first_sound(self, engine: Synthesizer, voice: Voice, text: str) -> None:
        with pytest.raises(BadRequest):
            next(engine.synthesize(self.request_for(voice, text), Cancellation()))

    def test_a_cancelled_request_makes_no_sound(self, engine: Synthesizer, voice: Voice) -> None:
        cancellation = Cancellation()
        cancellation.cancel()
        with pytest.raises(Cancelled):
            next(engine.synthesize(self.request_for(voice, self.short), cancellation))

    def test_a_step_under_way_is_cut_short(self, slow_engine: Synthesizer, voice: Voice) -> None:
        cancellation = Cancellation()
        stopped: list[float] = []

        def work() -> None:
            with pytest.raises(Cancelled):
                list(slow_engine.synthesize(self.request_for(voice, " ".join([self.long] * 10)), cancellation))
            stopped.append(time.process_time())

        thread = threading.Thread(target=work)
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
        cancelled = time.process_time()
        cancellation.cancel()
        thread.join()
        assert stopped[0] - cancelled < 1

    @pytest.fixture(scope="class")
    @classmethod
    def slow_engine(cls, engine: Synthesizer) -> Synthesizer:
        """One that is busy with ten times `long` for at least .2 s."""
        return engine

    @pytest.mark.parametrize("after", [0.0, 0.03, 0.2])
    def test_a_step_cut_short_does_not_harm_the_next(
        self, engine: Synthesizer, voice: Voice, card: ModelCard, plain: list[Audio], after: float
    ) -> None:
        cancellation = Cancellation()
        timer = threading.Timer(after, cancellation.cancel)
        timer.start()
        with suppress(Cancelled):
            list(engine.synthesize(self.request_for(voice, self.long), cancellation))
        timer.join()
        assert self.same(card, self.said(engine, voice, self.short), joined(plain))

    def test_it_can_be_closed_twice(self, card: ModelCard, weights: Path) -> None:
        engine = self.loaded(card, weights)
        engine.close()
        engine.close()
