"""Key, tempo and metre of old tunes and of made-up pieces that nothing was fitted to, and of what is no music."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import soxr
from tests.engines.analyzer import AnalyzerContract, heard
from tests.engines.music.pieces import RATE, Piece, drummed, held, piece
from tests.engines.music.tunes import TUNES, performance
from tests.engines.talk import LINES
from tests.speaker import Speaker

from ttsai_server.domain import Music
from ttsai_server.engines.music.adapter import MusicAnalyzer

UNSEEN = range(1000, 1072)
"""Seeds that played no part in the making: every key three times."""
PERFORMANCES = range(2 * len(TUNES))
"""Seeds of the tunes: each is played twice."""


@dataclass(frozen=True, slots=True)
class Answer:
    piece: Piece
    music: Music

    @property
    def key(self) -> str:
        """right, fifth (a fifth up or down), relative, parallel, other or none."""
        if self.music.tonic is None:
            return "none"
        apart, same = (self.music.tonic - self.piece.tonic) % 12, self.music.minor == self.piece.minor
        if same:
            return {0: "right", 5: "fifth", 7: "fifth"}.get(apart, "other")
        return {0: "parallel", 3 if self.piece.minor else 9: "relative"}.get(apart, "other")

    @property
    def bpm(self) -> str:
        """right (within 1 %), octave (twice or half), three (3:2, 3:1 and the like), other or none."""
        if self.music.bpm is None:
            return "none"
        kinds = {1: "right", 2: "octave", 1 / 2: "octave", 3: "three", 1 / 3: "three", 3 / 2: "three", 2 / 3: "three"}
        ratio = self.music.bpm / self.piece.bpm
        return next((kind for value, kind in kinds.items() if abs(ratio / value - 1) <= 0.01), "other")

    @property
    def metre(self) -> str:
        return "none" if self.music.metre is None else "right" if self.music.metre == self.piece.metre else "wrong"

    @property
    def has_its_tempo_among_the_candidates(self) -> bool:
        return any(abs(tempo.bpm / self.piece.bpm - 1) <= 0.04 for tempo in self.music.tempi)


def share(answers: list[Answer], told: Callable[[Answer], str], kind: str = "right") -> float:
    return sum(told(answer) == kind for answer in answers) / len(answers)


class TestMusicAnalyzer(AnalyzerContract):
    model_id = "key-bpm"

    @pytest.fixture(scope="class")
    @classmethod
    def answers(cls, engine: MusicAnalyzer) -> list[Answer]:
        pieces = [piece(seed, seconds=16.0) for seed in UNSEEN]
        return [Answer(made, heard(engine, made.sound, RATE)) for made in pieces]

    def test_the_pieces_are_in_all_keys_at_all_tempi_in_both_metres(self, answers: list[Answer]) -> None:
        pieces = [answer.piece for answer in answers]
        assert {(made.tonic, made.minor) for made in pieces} == {(n, minor) for n in range(12) for minor in (0, 1)}
        assert min(made.bpm for made in pieces) < 65 < 180 < max(made.bpm for made in pieces)
        assert 0.25 < sum(made.metre == "3/4" for made in pieces) / len(pieces) < 0.6

    def test_most_keys_are_right(self, answers: list[Answer]) -> None:
        assert share(answers, lambda answer: answer.key) >= 0.8

    def test_most_tempi_are_within_one_percent(self, answers: list[Answer]) -> None:
        assert share(answers, lambda answer: answer.bpm) >= 0.65

    def test_nine_tempi_of_ten_are_among_the_candidates(self, answers: list[Answer]) -> None:
        assert np.mean([answer.has_its_tempo_among_the_candidates for answer in answers]) >= 0.9

    def test_four_metres_of_five_are_right(self, answers: list[Answer]) -> None:
        assert share(answers, lambda answer: answer.metre) >= 0.8

    def test_the_tuning_is_told_to_five_cents(self, answers: list[Answer]) -> None:
        off = [abs(a.music.tuning - a.piece.cents) if a.music.tuning is not None else 50 for a in answers]
        assert np.quantile(off, 0.95) <= 5

    @pytest.mark.parametrize(("field", "told"), [("key", "key"), ("bpm", "bpm"), ("time_signature", "metre")])
    def test_it_is_surer_when_it_is_right(self, answers: list[Answer], field: str, told: str) -> None:
        right = [a.music.confidence[field] for a in answers if getattr(a, told) == "right"]
        wrong = [a.music.confidence[field] for a in answers if getattr(a, told) != "right"]
        assert np.mean(right) > 0.7
        assert not wrong or np.mean(right) > np.mean(wrong)

    @pytest.fixture(scope="class")
    @classmethod
    def tunes(cls, engine: MusicAnalyzer) -> list[Answer]:
        played = [performance(seed) for seed in PERFORMANCES]
        return [Answer(tune, heard(engine, tune.sound, RATE)) for tune in played]

    def test_the_tunes_are_in_four_metres(self, tunes: list[Answer]) -> None:
        assert {answer.piece.metre for answer in tunes} == {"2/4", "3/4", "4/4", "6/8"}

    def test_five_keys_of_six_tunes_are_right(self, tunes: list[Answer]) -> None:
        assert share(tunes, lambda answer: answer.key) >= 0.8

    def test_nine_tunes_of_ten_have_their_tempo_among_the_candidates(self, tunes: list[Answer]) -> None:
        assert sum(answer.has_its_tempo_among_the_candidates for answer in tunes) / len(tunes) >= 0.85

    @pytest.mark.parametrize("metre", ["3/4", "6/8"])
    def test_a_tune_in_three_or_in_six_is_told_from_one_in_four(self, tunes: list[Answer], metre: str) -> None:
        assert share([answer for answer in tunes if answer.piece.metre == metre], lambda answer: answer.metre) >= 0.6

    def test_of_sure_answers_about_tunes_most_are_right(self, tunes: list[Answer]) -> None:
        told = {"key": "key", "bpm": "bpm", "time_signature": "metre"}
        sure = [
            getattr(answer, attribute) == "right"
            for field, attribute in told.items()
            for answer in tunes
            if answer.music.confidence[field] >= 0.8
        ]
        assert len(sure) >= 30
        assert np.mean(sure) >= 0.75

    @pytest.fixture(scope="class")
    @classmethod
    def beatless(cls, engine: MusicAnalyzer) -> list[Answer]:
        return [Answer(made, heard(engine, made.sound, RATE)) for made in map(held, range(1000, 1008))]

    def test_chords_without_a_beat_have_a_key(self, beatless: list[Answer]) -> None:
        # of the seventh the relative key is told, with a confidence below .5
        assert [answer.key for answer in beatless].count("right") >= 7

    def test_chords_without_a_beat_have_no_tempo_but_a_reason(self, beatless: list[Answer]) -> None:
        # the eighth is a vibrato that all voices share: it does come back regularly
        reasons = [answer.music.reasons.get("bpm") for answer in beatless]
        assert reasons.count("It has no regular beat.") >= 7

    @pytest.mark.parametrize("seed", range(1000, 1004))
    def test_drums_alone_have_a_beat_and_no_key(self, engine: MusicAnalyzer, seed: int) -> None:
        drums = drummed(seed)
        music = heard(engine, drums.sound, RATE)
        assert music.bpm == pytest.approx(drums.bpm, rel=0.01)
        assert music.tonic is None
        assert "steady pitch" in music.reasons["key"]
        assert music.metre is None

    @pytest.mark.parametrize("noise", ["white", "pink", "hum"])
    def test_noise_is_no_music(self, engine: MusicAnalyzer, noises: dict[str, np.ndarray], noise: str) -> None:
        sound = soxr.resample(noises[noise], 16_000, RATE)[:, None]
        music = heard(engine, sound, RATE)
        assert (music.tonic, music.bpm, music.metre) == (None, None, None)

    @pytest.mark.parametrize("voice", ["af_heart", "am_michael", "bf_emma"])
    @pytest.mark.parametrize("hum", [0.0, 0.05])
    def test_speech_is_no_music(self, engine: MusicAnalyzer, speaker: Speaker, voice: str, hum: float) -> None:
        said = np.concatenate([speaker.say(voice, text) for _, text, _ in LINES[:4]])[:, 0]
        sound = soxr.resample(said, 16_000, RATE)
        time = np.arange(len(sound)) / RATE
        sound = sound + hum * sum(np.sin(2 * np.pi * 50 * n * time) / n for n in (1, 2, 3, 5))
        music = heard(engine, sound.astype(np.float32)[:, None], RATE)
        assert (music.tonic, music.bpm, music.metre) == (None, None, None)

    def test_a_softer_copy_is_in_the_same(self, engine: MusicAnalyzer) -> None:
        made = piece(1005, seconds=16.0)
        loud, soft = (heard(engine, made.sound * np.float32(gain), RATE) for gain in (1, 0.03))
        assert (soft.tonic, soft.minor, soft.metre) == (loud.tonic, loud.minor, loud.metre)
        assert soft.bpm == pytest.approx(loud.bpm, rel=1e-3)

    def test_a_tempo_that_runs_over_blocks_is_as_exact(self, engine: MusicAnalyzer) -> None:
        made = piece(1006, seconds=50.0)
        assert heard(engine, made.sound, RATE).bpm == pytest.approx(made.bpm, rel=0.002)
