"""What every engine of a task must do. A test of an engine is a class that inherits its suite and names its model."""

import threading
import time
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from tests.engines.conftest import Dialogue

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, Diarization, DiarizationRequest, ModelCard, RecordingStep, SpeechRequest
from ttsai_server.engines.base import Cancellation, Cancelled, Diarizer, Engine, LoadContext, Synthesizer
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.catalog import load_class
from ttsai_server.errors import BadRequest
from ttsai_server.settings import Settings

SHORT = "The rain has stopped."
LONG = "The rain has stopped, and the children are playing in the garden behind the old house again."


def assert_they_cover(steps: Sequence[RecordingStep], seconds: float) -> None:
    """Each step begins where the one before ended, and the last one ends with the recording and says so."""
    assert [step.start for step in steps] == [0, *(step.end for step in steps[:-1])]
    assert steps[-1].end == seconds
    assert steps[-1].last


class EngineContract:
    """What the suites share: a model's card, and its engine, loaded once for a class of tests."""

    model_id: ClassVar[str]
    kind: ClassVar[type[Engine]]

    @classmethod
    def place(cls, weights: Path) -> LoadContext:
        return LoadContext(weights)

    @pytest.fixture(scope="class")
    @classmethod
    def weights(cls, models_dir: Path) -> Path:
        return models_dir / cls.model_id

    @pytest.fixture(scope="class")
    @classmethod
    def card(cls) -> ModelCard:
        return read_card(Settings().models.cards / f"{cls.model_id}.toml")

    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls, card: ModelCard, weights: Path) -> Generator[Engine]:
        engine = load_class(card).load(card, cls.place(weights))
        assert isinstance(engine, cls.kind)
        yield engine
        engine.close()


class SynthesizerContract(EngineContract):
    kind = Synthesizer
    voice: ClassVar[str]
    language: ClassVar[str] = "en-us"
    tolerance: ClassVar[float] = 0.0
    """Largest difference of a sample between two answers to one request."""

    def request_for(self, text: str, **changes: Any) -> SpeechRequest:
        return replace(SpeechRequest(text, ((self.voice, 1.0),), self.language), **changes)

    def stretches(self, engine: Synthesizer, text: str, **changes: Any) -> list[Audio]:
        return list(engine.synthesize(self.request_for(text, **changes), Cancellation()))

    def said(self, engine: Synthesizer, text: str, **changes: Any) -> np.ndarray:
        return np.concatenate([audio.samples for audio in self.stretches(engine, text, **changes)])

    def test_sound_is_mono_float32_at_the_cards_rate(self, engine: Synthesizer, card: ModelCard) -> None:
        for audio in self.stretches(engine, SHORT):
            assert (audio.samples.dtype, audio.samples.ndim, audio.samples.shape[1]) == (np.float32, 2, 1)
            assert audio.rate == card.rate

    def test_sound_is_neither_silent_nor_too_loud(self, engine: Synthesizer) -> None:
        sound = self.said(engine, SHORT)
        assert np.all(np.isfinite(sound))
        assert 0.05 < np.max(np.abs(sound)) <= 1

    def test_a_sentence_takes_as_long_as_one(self, engine: Synthesizer, card: ModelCard) -> None:
        assert 0.03 <= len(self.said(engine, LONG)) / card.rate / len(LONG) <= 0.12

    def test_one_request_has_one_answer(self, engine: Synthesizer) -> None:
        one, other = self.said(engine, SHORT), self.said(engine, SHORT)
        assert one.shape == other.shape
        assert np.max(np.abs(one - other)) <= self.tolerance

    def test_a_longer_text_takes_longer(self, engine: Synthesizer) -> None:
        assert len(self.said(engine, LONG)) > 2 * len(self.said(engine, SHORT))

    def test_double_speed_takes_half_as_long(self, engine: Synthesizer) -> None:
        fast, plain = (len(self.said(engine, LONG, speed=speed)) for speed in (2.0, 1.0))
        assert fast / plain == pytest.approx(0.5, abs=0.1)

    def test_a_blend_is_neither_of_its_voices(self, engine: Synthesizer, card: ModelCard) -> None:
        a, b = ((self.voice, 1.0),), next(((v.id, 1.0),) for v in card.voices if v.id != self.voice)
        blend = self.said(engine, SHORT, voices=a + b)
        for voices in (a, b):
            alone = self.said(engine, SHORT, voices=voices)
            length = min(len(alone), len(blend))
            assert np.max(np.abs(alone[:length] - blend[:length])) > 0.01

    @pytest.mark.parametrize("text", ["", " "])
    def test_nothing_to_say_is_told_before_the_first_sound(self, engine: Synthesizer, text: str) -> None:
        with pytest.raises(BadRequest):
            next(engine.synthesize(self.request_for(text), Cancellation()))

    def test_a_cancelled_request_makes_no_sound(self, engine: Synthesizer) -> None:
        cancellation = Cancellation()
        cancellation.cancel()
        with pytest.raises(Cancelled):
            next(engine.synthesize(self.request_for(SHORT), cancellation))

    def test_a_step_under_way_is_cut_short(self, slow_engine: Synthesizer) -> None:
        cancellation = Cancellation()
        stopped: list[float] = []

        def work() -> None:
            with pytest.raises(Cancelled):
                list(slow_engine.synthesize(self.request_for(LONG), cancellation))
            stopped.append(time.monotonic())

        thread = threading.Thread(target=work)
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
        cancelled = time.monotonic()
        cancellation.cancel()
        thread.join()
        assert stopped[0] - cancelled < 0.5

    @pytest.fixture(scope="class")
    @classmethod
    def slow_engine(cls, engine: Synthesizer) -> Synthesizer:
        """One that is busy with LONG for at least .2 s."""
        return engine

    @pytest.mark.parametrize("after", [0.0, 0.01, 0.03, 0.1, 0.2])
    def test_a_step_cut_short_does_not_harm_the_next(self, engine: Synthesizer, after: float) -> None:
        alone, cancellation = self.said(engine, SHORT), Cancellation()
        timer = threading.Timer(after, cancellation.cancel)
        timer.start()
        with suppress(Cancelled):
            list(engine.synthesize(self.request_for(LONG), cancellation))
        timer.join()
        again = self.said(engine, SHORT)
        assert again.shape == alone.shape
        assert np.max(np.abs(again - alone)) <= self.tolerance

    def test_it_can_be_closed_twice(self, card: ModelCard, weights: Path) -> None:
        engine = load_class(card).load(card, LoadContext(weights))
        engine.close()
        engine.close()


class DiarizerContract(EngineContract):
    kind = Diarizer

    def steps(self, engine: Diarizer, recording: Recording, **asked: int) -> list[Diarization]:
        return list(engine.diarize(recording, DiarizationRequest(**asked), Cancellation()))

    def test_its_steps_cover_the_recording(self, engine: Diarizer, dialogue: Dialogue) -> None:
        assert_they_cover(self.steps(engine, dialogue.recording), dialogue.recording.seconds)

    def test_only_the_last_step_has_turns(self, engine: Diarizer, dialogue: Dialogue) -> None:
        *before, last = self.steps(engine, dialogue.recording)
        assert last.turns
        assert not any(step.turns for step in before)

    def test_turns_are_in_order_and_inside_the_recording(self, engine: Diarizer, dialogue: Dialogue) -> None:
        turns = self.steps(engine, dialogue.recording)[-1].turns
        assert list(turns) == sorted(turns, key=lambda turn: turn.start)
        assert all(0 <= turn.start < turn.end <= dialogue.recording.seconds for turn in turns)

    @pytest.mark.parametrize("count", [1, 2])
    def test_speakers_are_numbered_as_they_come(self, engine: Diarizer, dialogue: Dialogue, count: int) -> None:
        turns = self.steps(engine, dialogue.recording, speakers=count)[-1].turns
        seen = list(dict.fromkeys(turn.speaker for turn in turns))
        assert seen == list(range(len(seen)))

    def test_one_recording_has_one_answer(self, engine: Diarizer, dialogue: Dialogue) -> None:
        one, other = (self.steps(engine, dialogue.recording) for _ in range(2))
        assert one == other

    @pytest.mark.parametrize("seconds", [0.0, 0.001, 5.0])
    def test_silence_has_no_turns(self, engine: Diarizer, card: ModelCard, seconds: float) -> None:
        with Recording(card.rate) as silence:
            silence.append(np.zeros((round(seconds * card.rate), 1), np.float32))
            assert self.steps(engine, silence)[-1] == Diarization(silence.seconds, silence.seconds, last=True)

    def test_told_to_stop_it_does_not_begin(self, engine: Diarizer, dialogue: Dialogue) -> None:
        cancellation = Cancellation()
        cancellation.cancel()
        with pytest.raises(Cancelled):
            next(engine.diarize(dialogue.recording, DiarizationRequest(), cancellation))

    def test_told_to_stop_between_steps_it_makes_no_more(self, engine: Diarizer, dialogue: Dialogue) -> None:
        cancellation = Cancellation()
        steps = engine.diarize(dialogue.recording, DiarizationRequest(), cancellation)
        next(steps)
        cancellation.cancel()
        with pytest.raises(Cancelled):
            list(steps)

    def test_it_can_be_closed_twice(self, card: ModelCard, weights: Path) -> None:
        engine = load_class(card).load(card, LoadContext(weights))
        engine.close()
        engine.close()
