from collections.abc import Sequence

import numpy as np
import pytest
import soxr
from tests.engines.enhancer import EnhancerContract, joined, recorded, steps
from tests.engines.rooms import likeness, room

from ttsai_server.engines.cards import read_card
from ttsai_server.engines.echo import BLOCKS, Echo
from ttsai_server.settings import Settings

RATE = 48_000
Echoes = Sequence[tuple[float, float]]
"""(seconds of delay, gain in decibels)."""


class TestEcho(EnhancerContract):
    model_id = "echo"


@pytest.fixture(scope="module")
def engine() -> Echo:
    return Echo(read_card(Settings().models.cards / "echo.toml").rate)


@pytest.fixture(scope="module")
def speech(spoken: np.ndarray) -> np.ndarray:
    """float32 (n,) at 48 kHz, six seconds."""
    return soxr.resample(spoken, 16_000, RATE)[:, 0].astype(np.float32)


@pytest.fixture(scope="module")
def talk(sayings: list[tuple[int, np.ndarray]]) -> np.ndarray:
    """float32 (n,) at 48 kHz, 24 seconds: of one sentence chance decides 5 dB."""
    return soxr.resample(np.concatenate([sound for _, sound in sayings]), 16_000, RATE)[:, 0].astype(np.float32)


@pytest.fixture(scope="module")
def music(noises: dict[str, np.ndarray]) -> np.ndarray:
    return soxr.resample(noises["music"], 16_000, RATE).astype(np.float32)


def echoed(sound: np.ndarray, echoes: Echoes) -> np.ndarray:
    whole = np.pad(sound, (0, RATE))
    return whole + sum(10 ** (gain / 20) * shifted(whole, delay) for delay, gain in echoes)


def fed_back(sound: np.ndarray, delay: float, gain: float) -> np.ndarray:
    whole = np.pad(sound, (0, RATE))
    return np.sum([10 ** (gain / 20 * turn) * shifted(whole, turn * delay) for turn in range(20)], axis=0)


def shifted(sound: np.ndarray, seconds: float) -> np.ndarray:
    count = min(len(sound), round(seconds * RATE))
    return np.pad(sound, (count, 0))[: len(sound)]


def without(engine: Echo, sound: np.ndarray, strength: float = 1.0) -> np.ndarray:
    """(n,) or (n, channels) → the same."""
    with recorded((0.5 * sound.reshape(len(sound), -1)).astype(np.float32), RATE) as recording:
        return joined(steps(engine, recording, strength)).reshape(sound.shape) / 0.5


@pytest.mark.parametrize(
    ("echoes", "gain"),
    [
        ([(0.18, -6)], 15),
        ([(0.4, -9)], 15),
        ([(0.06, -3)], 15),
        ([(0.9, -12)], 12),
        ([(0.18, -6), (0.4, -9)], 12),
        ([(0.2501234, -6)], 10),
    ],
)
def test_echoes_go(engine: Echo, talk: np.ndarray, echoes: Echoes, gain: float) -> None:
    wet = echoed(talk, echoes)
    assert likeness(without(engine, wet), talk) > likeness(wet, talk) + gain


def test_an_echo_that_is_fed_back_goes(engine: Echo, speech: np.ndarray) -> None:
    wet = fed_back(speech, 0.25, -4.5)
    assert likeness(without(engine, wet), speech) > likeness(wet, speech) + 15


def test_a_muffled_echo_goes(engine: Echo, speech: np.ndarray) -> None:
    muffled = np.convolve(speech, np.hanning(8) / 3.5)[: len(speech)]
    wet = np.pad(speech, (0, RATE)) + 0.5 * shifted(np.pad(muffled, (0, RATE)), 0.2)
    assert likeness(without(engine, wet), speech) > likeness(wet, speech) + 10


def test_echoes_of_music_go(engine: Echo, music: np.ndarray) -> None:
    wet = echoed(music, [(0.18, -6)])
    assert likeness(without(engine, wet), music) > likeness(wet, music) + 10


def test_both_sides_are_freed(engine: Echo, speech: np.ndarray) -> None:
    sides = np.stack([echoed(sound, [(0.18, -6)]) for sound in (speech, np.roll(speech, RATE))], axis=1)
    made = without(engine, sides)
    assert likeness(made[:, 0], speech) > 20
    assert likeness(made[:, 1], np.roll(speech, RATE)) > 20


def test_more_strength_takes_more(engine: Echo, speech: np.ndarray) -> None:
    wet = echoed(speech, [(0.18, -6)])
    likenesses = [likeness(without(engine, wet, strength), speech) for strength in (0.2, 0.4, 0.6, 0.8, 1.0)]
    assert likenesses == sorted(likenesses)
    assert likenesses[0] > likeness(wet, speech) + 1


def test_speech_without_an_echo_comes_back_as_it_is(engine: Echo, speech: np.ndarray) -> None:
    assert np.max(np.abs(without(engine, speech) - speech)) < 1e-6


def test_speech_in_a_room_comes_back_as_it_is(engine: Echo, speech: np.ndarray) -> None:
    heard = room(0.6, RATE).heard(speech) / 8
    assert np.max(np.abs(without(engine, heard) - heard)) < 1e-6


@pytest.mark.parametrize("name", ["white", "pink", "hum", "music"])
def test_what_has_no_echo_comes_back_as_it_is(engine: Echo, noises: dict[str, np.ndarray], name: str) -> None:
    sound = soxr.resample(noises[name], 16_000, RATE).astype(np.float32)
    assert np.max(np.abs(without(engine, sound) - sound)) < 1e-6


def test_a_loop_is_no_echo(engine: Echo) -> None:
    burst = np.random.default_rng(0).standard_normal(2000) * np.exp(-np.arange(2000) / 300)
    loop = np.tile(np.pad(0.1 * burst, (0, RATE // 2 - 2000)), 20)
    assert np.max(np.abs(without(engine, loop) - loop)) < 1e-6


def test_a_recording_longer_than_is_listened_to_is_freed_to_its_end(
    engine: Echo, speech: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ttsai_server.engines.echo.BLOCKS", 3)
    assert BLOCKS > 3
    said = np.tile(speech, 8)
    made = without(engine, echoed(said, [(0.18, -6)]))
    assert likeness(made[-3 * RATE - len(speech) : -RATE], said[-2 * RATE - len(speech) :]) > 20
