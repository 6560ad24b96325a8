"""What every engine that analyses music must do. A test of one is a class that inherits the suite, names its model."""

import threading
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from tests.engines.contract import EngineContract, assert_they_cover

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Analysis, ModelCard, Music
from ttsai_server.engines.base import Analyzer, Cancellation, Cancelled, LoadContext
from ttsai_server.engines.catalog import load_class
from ttsai_server.errors import EngineFailed

FIELDS = {"key", "bpm", "time_signature"}
MOST_GROWTH = 48
"""Megabytes that ten minutes may take beyond one."""


def recorded(sound: np.ndarray, rate: int) -> Recording:
    """(n, 1) as a recording; the caller closes it."""
    recording = Recording(rate)
    recording.append(sound)
    return recording


def steps(engine: Analyzer, recording: Recording) -> list[Analysis]:
    return list(engine.analyze(recording, Cancellation()))


def heard(engine: Analyzer, sound: np.ndarray, rate: int) -> Music:
    """What the last step has of a sound of shape (n, 1)."""
    with recorded(sound, rate) as recording:
        music = steps(engine, recording)[-1].music
        assert music
        return music


class AnalyzerContract(EngineContract):
    kind = Analyzer
    seconds: ClassVar[float] = 45.0
    """Long enough for more than two steps."""

    @pytest.fixture(scope="class")
    @classmethod
    def sound(cls, card: ModelCard) -> np.ndarray:
        """Three chords in turn, two a second, (n, 1): a key and a beat for every engine."""
        time = np.arange(card.rate // 2) / card.rate
        chords = [(220, 277.18, 329.63), (293.66, 369.99, 440), (329.63, 415.3, 493.88)]
        strokes = [sum(np.sin(2 * np.pi * hertz * time) for hertz in chord) * np.exp(-4 * time) for chord in chords]
        bars = [strokes[chord] for chord in (0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 0, 0, 0, 0)]
        tune = np.tile(np.concatenate(bars), 1 + int(cls.seconds / 8))
        return (0.2 * tune[: round(cls.seconds * card.rate)]).astype(np.float32)[:, None]

    @pytest.fixture(scope="class")
    @classmethod
    def found(cls, engine: Analyzer, card: ModelCard, sound: np.ndarray) -> list[Analysis]:
        with recorded(sound, card.rate) as recording:
            return steps(engine, recording)

    def test_only_the_last_step_has_the_music(self, found: list[Analysis]) -> None:
        *before, last = found
        assert len(before) > 1
        assert last.music
        assert not any(step.music for step in before)

    def test_its_steps_cover_the_recording(self, found: list[Analysis], sound: np.ndarray) -> None:
        assert_they_cover(found, self.seconds)

    def test_it_tells_a_plain_tune(self, found: list[Analysis]) -> None:
        music = found[-1].music
        assert music
        assert (music.tonic, music.minor, music.metre) == (9, False, "4/4")
        assert music.bpm == pytest.approx(120, rel=0.01)
        assert music.tuning == pytest.approx(0, abs=3)

    def test_every_field_has_a_confidence_or_a_reason(self, found: list[Analysis]) -> None:
        music = found[-1].music
        assert music
        assert music.confidence.keys() == FIELDS
        assert all(0 <= music.confidence[field] <= 1 for field in FIELDS)
        assert {field for field in FIELDS if not music.confidence[field]} == music.reasons.keys()

    def test_the_first_candidate_is_the_tempo(self, found: list[Analysis]) -> None:
        music = found[-1].music
        assert music
        assert (music.tempi[0].bpm, music.tempi[0].confidence) == (music.bpm, music.confidence["bpm"])

    def test_all_candidates_together_are_at_most_certain(self, found: list[Analysis]) -> None:
        music = found[-1].music
        assert music
        assert 0 < sum(tempo.confidence for tempo in music.tempi) <= 1 + 1e-6

    def test_one_recording_has_one_answer(self, engine: Analyzer, card: ModelCard, found: list[Analysis]) -> None:
        with recorded(self._of(card), card.rate) as recording:
            assert steps(engine, recording) == steps(engine, recording)

    def test_two_at_once_get_their_own_answer(self, engine: Analyzer, card: ModelCard) -> None:
        sounds = [self._of(card), self._of(card)[::-1].copy()]
        alone = [heard(engine, sound, card.rate) for sound in sounds]
        together: dict[int, Music] = {}

        def work(number: int) -> None:
            together[number] = heard(engine, sounds[number], card.rate)

        threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [together[0], together[1]] == alone
        assert alone[0] != alone[1]

    @pytest.mark.parametrize("frames", [0, 1, 7, 4001])
    def test_what_is_too_short_has_nothing_but_reasons(self, engine: Analyzer, card: ModelCard, frames: int) -> None:
        music = heard(engine, np.full((frames, 1), 0.1, np.float32), card.rate)
        assert (music.tonic, music.bpm, music.metre, music.tempi) == (None, None, None, ())
        assert music.reasons.keys() == FIELDS
        assert set(music.confidence.values()) == {0.0}

    def test_silence_has_nothing_but_reasons(self, engine: Analyzer, card: ModelCard) -> None:
        music = heard(engine, np.zeros((10 * card.rate, 1), np.float32), card.rate)
        assert (music.tonic, music.bpm, music.metre, music.tuning) == (None, None, None, None)
        assert set(music.reasons.values()) == {"It is silent."}

    def test_told_to_stop_it_does_not_begin(self, engine: Analyzer, card: ModelCard, sound: np.ndarray) -> None:
        cancellation = Cancellation()
        cancellation.cancel()
        with recorded(sound, card.rate) as recording, pytest.raises(Cancelled):
            next(engine.analyze(recording, cancellation))

    def test_told_to_stop_it_ends_at_the_next_step(self, engine: Analyzer, card: ModelCard, sound: np.ndarray) -> None:
        cancellation = Cancellation()
        with recorded(sound, card.rate) as recording:
            found = engine.analyze(recording, cancellation)
            next(found)
            cancellation.cancel()
            with pytest.raises(Cancelled):
                next(found)

    def test_ten_minutes_take_hardly_more_memory_than_one(
        self, engine: Analyzer, card: ModelCard, sound: np.ndarray
    ) -> None:
        minute = np.tile(sound, (2, 1))[: 60 * card.rate]
        with recorded(minute, card.rate) as short, Recording(card.rate) as long:
            for _ in range(10):
                long.append(minute)
            steps(engine, short)
            before = _resident()
            most = max(_resident() for _ in engine.analyze(long, Cancellation()))
        assert most - before <= MOST_GROWTH

    def test_it_can_be_closed_twice(self, card: ModelCard, weights: Path, sound: np.ndarray) -> None:
        engine = load_class(card).load(card, LoadContext(weights))
        assert isinstance(engine, Analyzer)
        engine.close()
        engine.close()
        with recorded(sound, card.rate) as recording, pytest.raises(EngineFailed):
            next(engine.analyze(recording, Cancellation()))

    def _of(self, card: ModelCard) -> np.ndarray:
        """12 s of noise that gets louder twice a second and rises, (n, 1): another answer when it is turned round."""
        time = np.arange(12 * card.rate) / card.rate
        tones = np.sin(2 * np.pi * 55 * 2 ** (np.floor(time) % 7 / 12) * time)
        return (0.3 * tones * np.exp(-6 * (time % 0.5))).astype(np.float32)[:, None]


def _resident() -> float:
    """Megabytes."""
    return int(Path("/proc/self/statm").read_text("utf-8").split()[1]) * 4096 / 1e6
