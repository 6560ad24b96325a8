"""Our prediction against nara_wpe 0.0.11 (`wpe_v8`, three iterations, complex128), run once on this sound."""

from typing import Any

import numpy as np
import pytest

from ttsai_server.engines.wpe import prediction
from ttsai_server.engines.wpe.prediction import without_prediction

MONO = [-3.2242 + 1.3784j, 4.6697 + 7.0153j, 4.4047 + 3.2905j, 8.9961 + 1.0885j]
"""Frames 5, 50, 100 and 399 of bin 2, with ten taps and a delay of 3."""
STEREO = [-2.0912 - 2.3058j, -6.6594 + 2.5373j, -9.5697 + 4.9341j, -6.4513 - 3.55j]
"""The same of the second channel, with five taps and a delay of 2."""
ENERGIES = (112292.78013510071, 158384.70562714047)
"""Of all bins, channels and frames."""


def reverberant(channels: int) -> np.ndarray:
    """complex (4, channels, 400): noise that swells and fades, in a room that rings for twelve frames."""
    random = np.random.default_rng(7)
    swell = 1 + 3 * (np.sin(np.arange(400) / 7) > 0)
    said = (random.standard_normal((4, 400)) + 1j * random.standard_normal((4, 400))) * swell
    shape = (channels, 4, 12)
    rooms = (random.standard_normal(shape) + 1j * random.standard_normal(shape)) * 0.7 ** np.arange(12)
    heard = [[np.convolve(said[bin], room[bin])[:400] for room in rooms] for bin in range(4)]
    return np.array(heard).astype(np.complex64)


@pytest.mark.parametrize(
    ("channels", "taps", "delay", "values", "energy"),
    [(1, 10, 3, MONO, ENERGIES[0]), (2, 5, 2, STEREO, ENERGIES[1])],
)
def test_it_is_weighted_prediction_error(
    channels: int, taps: int, delay: int, values: list[complex], energy: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction, "LOADING", 0.0)
    heard: Any = reverberant(channels).astype(np.complex128)
    made = without_prediction(heard, taps, delay)
    assert made[2, -1, [5, 50, 100, 399]] == pytest.approx(values, abs=1e-4)
    assert np.sum(np.abs(made) ** 2) == pytest.approx(energy, rel=1e-6)


def test_pieces_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = reverberant(2)
    whole = without_prediction(heard, 5, 2)
    monkeypatch.setattr(prediction, "_VALUES", 300)
    assert without_prediction(heard, 5, 2) == pytest.approx(whole, abs=0.03)


@pytest.mark.parametrize("frames", [1, 2, 9])
def test_silence_and_the_shortest_sounds_stay(frames: int) -> None:
    assert not without_prediction(np.zeros((3, 2, frames), np.complex64), 5, 3).any()
    assert without_prediction(reverberant(1)[:, :, :frames], 5, 3).shape == (4, 1, frames)
