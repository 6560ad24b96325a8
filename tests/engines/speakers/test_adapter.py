"""Who speaks when, in talks of Kokoro's voices."""

from pathlib import Path

import numpy as np
import pytest
from tests.diarization import error_rate
from tests.engines.conftest import RATE, Dialogue
from tests.engines.diarizer import DiarizerContract

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Diarization, DiarizationRequest, ModelCard, Turn
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.speakers.adapter import Speakers
from ttsai_server.errors import EngineFailed, WeightsMissing

COLLAR = 0.25
"""Seconds, as is customary."""


class Watched(Recording):
    longest = 0
    """Frames of the longest stretch that was read at once."""

    def read(self, start: int, count: int) -> np.ndarray:
        self.longest = max(self.longest, count)
        return super().read(start, count)


def turns(engine: Speakers, recording: Recording, **asked: int) -> tuple[Turn, ...]:
    *_, last = engine.diarize(recording, DiarizationRequest(**asked), Cancellation())
    return last.turns


def count(found: tuple[Turn, ...]) -> int:
    return len({turn.speaker for turn in found})


class TestSpeakers(DiarizerContract):
    model_id = "speakers"

    def test_two_are_told_apart_if_the_count_is_given(self, engine: Speakers, dialogue: Dialogue) -> None:
        found = turns(engine, dialogue.recording, speakers=2)
        assert error_rate(dialogue.turns, found) <= 0.08
        assert error_rate(dialogue.turns, found, COLLAR) <= 0.03

    def test_two_are_told_apart_if_it_is_not(self, found: list[Diarization], dialogue: Dialogue) -> None:
        turns = found[-1].turns
        assert count(turns) == 2
        assert error_rate(dialogue.turns, turns) <= 0.08

    def test_a_third_who_speaks_once_is_found(self, engine: Speakers, trialogue: Dialogue) -> None:
        found = turns(engine, trialogue.recording)
        assert count(found) == 3
        assert error_rate(trialogue.turns, found) <= 0.08

    def test_one_alone_is_one(self, engine: Speakers, monologue: Dialogue) -> None:
        assert count(turns(engine, monologue.recording)) == 1

    def test_noise_does_not_change_the_count(self, engine: Speakers, dialogue: Dialogue) -> None:
        samples = dialogue.recording.read(0, dialogue.recording.frames)
        noise = (
            np.random.default_rng(0).standard_normal(samples.shape) * np.sqrt(np.mean(samples**2)) * 10 ** (-15 / 20)
        )
        with Recording(RATE) as noisy:
            noisy.append((samples + noise).astype(np.float32))
            assert count(turns(engine, noisy)) == 2

    def test_a_softer_copy_has_the_same_speakers(self, engine: Speakers, dialogue: Dialogue) -> None:
        with Recording(RATE) as soft:
            soft.append(dialogue.recording.read(0, dialogue.recording.frames) * np.float32(0.1))
            assert error_rate(dialogue.turns, turns(engine, soft), COLLAR) <= 0.03

    @pytest.mark.parametrize(("asked", "wanted"), [({"most": 1}, 1), ({"least": 3}, 3), ({"speakers": 4}, 4)])
    def test_the_bounds_are_kept(
        self, engine: Speakers, dialogue: Dialogue, asked: dict[str, int], wanted: int
    ) -> None:
        assert min(wanted, 2) <= count(turns(engine, dialogue.recording, **asked)) <= wanted

    def test_a_step_reads_no_more_of_a_longer_recording(self, engine: Speakers, dialogue: Dialogue) -> None:
        with Watched(RATE) as long:
            for _ in range(4):
                long.append(dialogue.recording.read(0, dialogue.recording.frames))
            turns(engine, long)
            assert long.longest <= 33 * RATE < long.frames / 2

    def test_after_its_end_it_says_so(self, card: ModelCard, weights: Path, dialogue: Dialogue) -> None:
        engine = Speakers.load(card, LoadContext(weights))
        engine.close()
        with pytest.raises(EngineFailed):
            turns(engine, dialogue.recording)

    def test_without_its_graph_it_does_not_load(self, card: ModelCard, tmp_path: Path) -> None:
        with pytest.raises(WeightsMissing):
            Speakers.load(card, LoadContext(tmp_path))

    def test_no_turn_ends_after_the_recording(self, engine: Speakers, dialogue: Dialogue) -> None:
        with Recording(RATE) as cut:
            cut.append(dialogue.recording.read(0, 3 * RATE + 77))
            *_, last = engine.diarize(cut, DiarizationRequest(), Cancellation())
            assert (last.end, last.last) == (cut.seconds, True)
            assert last.turns[-1].end <= cut.seconds
