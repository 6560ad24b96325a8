"""The pitch tracker on sounds whose pitch is known."""

import numpy as np
import pytest
from tests.engines.voice_encoder import syllables

from ttsai_server.audio.pitch import HOP, mean_pitch, track

RATE = 16_000
TIME = np.arange(2 * RATE) / RATE


def pulses(hertz: np.ndarray | float) -> np.ndarray:
    """A buzz of that pitch: ten harmonics."""
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(hertz, TIME.shape)) / RATE
    return np.sum([np.sin(n * phase) / n for n in range(1, 11)], axis=0).astype(np.float32)


@pytest.mark.parametrize("rate", [8000, 22_050, 48_000])
def test_a_sine_has_its_pitch_at_every_rate(rate: int) -> None:
    sound = np.sin(2 * np.pi * 220 * np.arange(2 * rate) / rate).astype(np.float32)
    pitch = track(sound, rate)[5:-5]
    assert pitch == pytest.approx(np.full_like(pitch, 220), rel=0.005)


@pytest.mark.parametrize("hertz", [70, 100, 180, 300, 480])
def test_a_buzz_has_the_pitch_of_its_lowest_harmonic(hertz: float) -> None:
    pitch = track(pulses(hertz), RATE)[5:-5]
    assert pitch == pytest.approx(np.full_like(pitch, hertz), rel=0.01)


def test_a_glide_is_followed() -> None:
    hertz = np.geomspace(100, 200, len(TIME))
    pitch = track(pulses(hertz), RATE)[5:-5]
    wanted = hertz[np.round(HOP * RATE * np.arange(5, 5 + len(pitch))).astype(int)]
    assert pitch == pytest.approx(wanted, rel=0.03)


def test_noise_and_silence_have_none() -> None:
    noise = np.random.default_rng(0).normal(size=len(TIME)).astype(np.float32)
    assert np.mean(track(noise, RATE) > 0) < 0.05
    assert not track(np.zeros(RATE, np.float32), RATE).any()
    assert mean_pitch(np.zeros(10)) == 0


def test_nothing_has_one_frame_without_pitch() -> None:
    assert track(np.zeros(0, np.float32), RATE).tolist() == [0]


@pytest.mark.parametrize("hertz", [90, 130, 210])
def test_the_mean_is_that_of_the_speaker(hertz: float) -> None:
    assert mean_pitch(track(syllables(hertz, 5)[:, 0], RATE)) == pytest.approx(hertz, rel=0.02)
