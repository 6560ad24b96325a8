"""FFmpeg's filters on samples."""

import numpy as np
import pytest

from ttsai_server.audio.filters import Filters

RATE = 48_000


def noise(count: int, channels: int) -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal((count, channels))).astype(np.float32)


def through(filters: Filters, sound: np.ndarray, piece: int = 5000) -> np.ndarray:
    pieces = [filters.push(sound[start : start + piece]) for start in range(0, len(sound), piece)]
    return np.concatenate([*pieces, filters.finish()])


@pytest.mark.parametrize("channels", range(1, 9))
def test_each_channel_comes_back_as_it_went_in(channels: int) -> None:
    sound = noise(12_345, channels)
    assert np.array_equal(through(Filters(RATE, channels, []), sound), sound)


@pytest.mark.parametrize("channels", range(1, 9))
def test_each_channel_is_filtered(channels: int) -> None:
    hum = np.sin(2 * np.pi * 50 * np.arange(RATE) / RATE)[:, None] * np.ones((1, channels))
    left = through(Filters(RATE, channels, [("highpass", {"f": 500})]), hum.astype(np.float32))
    assert np.all(np.std(left, axis=0) < 0.02 * np.std(hum, axis=0))


def test_a_filter_does_what_it_is_called_for() -> None:
    sound = noise(RATE, 2)
    halved = through(Filters(RATE, 2, [("volume", {"volume": 0.5, "precision": "float"})]), sound)
    assert np.allclose(halved, sound / 2)


def test_filters_follow_one_another() -> None:
    sound = noise(RATE, 1)
    chain = [("volume", {"volume": 10, "precision": "float"}), ("alimiter", {"limit": 0.1, "level": 0, "latency": 1})]
    assert np.max(np.abs(through(Filters(RATE, 1, chain), sound))) == pytest.approx(0.1, abs=1e-3)


def test_pieces_do_not_matter() -> None:
    sound = noise(RATE, 1)
    one, other = (through(Filters(RATE, 1, [("highpass", {"f": 300})]), sound, piece) for piece in (4800, 777))
    assert np.max(np.abs(one - other)) < 1e-5


def test_what_a_filter_measures_is_kept() -> None:
    filters = Filters(RATE, 1, [("ebur128", {"metadata": 1})])
    through(filters, noise(RATE, 1))
    assert -30 < float(filters.metadata["lavfi.r128.I"]) < -10


def test_of_nothing_nothing_comes() -> None:
    assert through(Filters(RATE, 3, [("highpass", {})]), noise(0, 3)).shape == (0, 3)
