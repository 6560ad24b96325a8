"""What every engine that tells speakers apart must do."""

from pathlib import Path

import numpy as np
import pytest
from tests.engines.conftest import Dialogue
from tests.engines.contract import EngineContract, assert_they_cover

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Diarization, DiarizationRequest, ModelCard
from ttsai_server.engines.base import Cancellation, Cancelled, Diarizer, LoadContext
from ttsai_server.engines.catalog import load_class


class DiarizerContract(EngineContract):
    kind = Diarizer

    def steps(self, engine: Diarizer, recording: Recording, **asked: int) -> list[Diarization]:
        return list(engine.diarize(recording, DiarizationRequest(**asked), Cancellation()))

    @pytest.fixture(scope="class")
    @classmethod
    def found(cls, engine: Diarizer, dialogue: Dialogue) -> list[Diarization]:
        """The steps of the dialogue, of which nothing is told."""
        return cls().steps(engine, dialogue.recording)

    def test_its_steps_cover_the_recording(self, found: list[Diarization], dialogue: Dialogue) -> None:
        assert_they_cover(found, dialogue.recording.seconds)

    def test_only_the_last_step_has_turns(self, found: list[Diarization]) -> None:
        *before, last = found
        assert last.turns
        assert not any(step.turns for step in before)

    def test_turns_are_in_order_and_inside_the_recording(self, found: list[Diarization], dialogue: Dialogue) -> None:
        turns = found[-1].turns
        assert list(turns) == sorted(turns, key=lambda turn: turn.start)
        assert all(0 <= turn.start < turn.end <= dialogue.recording.seconds for turn in turns)

    @pytest.mark.parametrize("count", [1, 2])
    def test_speakers_are_numbered_as_they_come(self, engine: Diarizer, dialogue: Dialogue, count: int) -> None:
        turns = self.steps(engine, dialogue.recording, speakers=count)[-1].turns
        seen = list(dict.fromkeys(turn.speaker for turn in turns))
        assert seen == list(range(len(seen)))

    def test_one_recording_has_one_answer(self, engine: Diarizer, dialogue: Dialogue, found: list[Diarization]) -> None:
        assert self.steps(engine, dialogue.recording) == found

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
