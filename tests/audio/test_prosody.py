"""Changing the manner of speech, on sounds whose pitch and timing are known."""

import numpy as np
import pytest
from tests.engines.voice_encoder import SPEECH_RATE, syllables

from ttsai_server.audio.pitch import mean_pitch, track
from ttsai_server.audio.prosody import EMOTIONS, NEUTRAL, Prosody, change
from ttsai_server.audio.recording import Recording, Stopped


def changed(sound: np.ndarray, prosody: Prosody, rate: int = SPEECH_RATE) -> np.ndarray:
    with Recording(rate) as recording:
        recording.append(sound)
        with change(recording, prosody) as made:
            return made.read(0, made.frames)[:, 0]


def spread(sound: np.ndarray) -> float:
    """Standard deviation of the pitch, semitones."""
    pitch = track(sound, SPEECH_RATE)
    return float(np.std(12 * np.log2(pitch[pitch > 0])))


VOICE = syllables(140, 6)


def test_nothing_changed_keeps_length_level_and_melody() -> None:
    made = changed(VOICE, NEUTRAL)
    assert len(made) == len(VOICE)
    assert np.std(made) == pytest.approx(np.std(VOICE), rel=0.1)
    before, after = track(VOICE[:, 0], SPEECH_RATE), track(made, SPEECH_RATE)
    both = (before > 0) & (after > 0)
    assert after[both] == pytest.approx(before[both], rel=0.05)


@pytest.mark.parametrize("semitones", [-5, -2, 2, 5])
def test_pitch_moves_by_semitones_and_nothing_else(semitones: float) -> None:
    made = changed(VOICE, Prosody(semitones=semitones))
    assert mean_pitch(track(made, SPEECH_RATE)) == pytest.approx(140 * 2 ** (semitones / 12), rel=0.03)
    assert len(made) == len(VOICE)
    assert np.std(made) == pytest.approx(np.std(VOICE), rel=0.3)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_the_range_of_the_pitch_is_spread(factor: float) -> None:
    made = changed(VOICE, Prosody(spread=factor))
    assert spread(made) == pytest.approx(factor * spread(VOICE[:, 0]), rel=0.25)
    assert mean_pitch(track(made, SPEECH_RATE)) == pytest.approx(140, rel=0.02)


@pytest.mark.parametrize("tempo", [0.5, 0.8, 1.25, 2.0])
def test_tempo_changes_the_length_and_keeps_the_pitch(tempo: float) -> None:
    made = changed(VOICE, Prosody(tempo=tempo))
    assert len(made) == pytest.approx(len(VOICE) / tempo, rel=0.01)
    assert mean_pitch(track(made, SPEECH_RATE)) == pytest.approx(140, rel=0.03)


def test_pauses_are_lengthened_alone() -> None:
    gap = np.zeros((2 * SPEECH_RATE, 1), np.float32)
    made = changed(np.concatenate([VOICE, gap, VOICE]), Prosody(pauses=1.5))
    assert len(made) / SPEECH_RATE == pytest.approx(12 + 1.5 * 2, abs=0.25)


@pytest.mark.parametrize("decibels", [-6, 4])
def test_energy_moves_by_decibels(decibels: float) -> None:
    made = changed(0.5 * VOICE, Prosody(decibels=decibels))
    assert 20 * np.log10(np.std(made) / np.std(0.5 * VOICE)) == pytest.approx(decibels, abs=0.7)


def test_what_is_made_louder_does_not_clip() -> None:
    assert np.max(np.abs(changed(2 * VOICE, Prosody(decibels=12)))) <= 1


def test_treble_makes_it_brighter() -> None:
    def bright(sound: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(sound)) ** 2
        return float(power[np.fft.rfftfreq(len(sound), 1 / SPEECH_RATE) > 2500].sum() / power.sum())

    assert bright(changed(VOICE, Prosody(treble=6))) > 2 * bright(VOICE[:, 0])


def test_silence_stays_silent() -> None:
    made = changed(np.zeros((2 * SPEECH_RATE, 1), np.float32), EMOTIONS["excited"])
    assert np.max(np.abs(made)) == 0


@pytest.mark.parametrize("frames", [0, 1, 7, 160, 4001])
def test_a_short_sound_is_changed_too(frames: int) -> None:
    made = changed(VOICE[:frames], Prosody(tempo=2.0))
    assert abs(len(made) - frames / 2) <= 0.01 * SPEECH_RATE


def test_a_long_recording_has_no_seams() -> None:
    """Blocks join where it is quietest: nothing is added to a steady voice, and nothing is lost."""
    sound = syllables(140, 70)
    made = changed(sound, Prosody(semitones=2))
    assert len(made) == len(sound)
    seconds = np.std(made[: 69 * SPEECH_RATE].reshape(69, -1), axis=1)
    assert np.min(seconds) > 0.8 * np.median(seconds)


def test_it_stops_when_it_is_told_to() -> None:
    with Recording(SPEECH_RATE) as recording:
        recording.append(VOICE)
        with pytest.raises(Stopped):
            change(recording, EMOTIONS["happy"], stop=lambda: True)
