import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttsai_server.engines.music.features import ONSETS_PER_SECOND
from ttsai_server.engines.music.tempo import beats_per_minute

tempi = st.floats(60, 190)


def onsets(bpm: float, seconds: float, seed: int, late: float) -> np.ndarray:
    """(frames,): a bump on each beat, late or early by `late` seconds (a standard deviation), over some noise."""
    random = np.random.default_rng(seed)
    times = np.arange(0.3, seconds, 60 / bpm)
    frames = (times + random.normal(0, late, len(times))) * ONSETS_PER_SECOND
    places = np.arange(round(seconds * ONSETS_PER_SECOND))
    bumps = np.exp(-0.5 * ((places[:, None] - frames) / 2) ** 2).sum(axis=1)
    return bumps + 0.05 * random.standard_normal(len(places))


@settings(max_examples=25)
@given(tempi, st.floats(0.996, 1.004), st.integers(0, 9))
def test_it_is_exact_although_the_period_is_not(bpm: float, off: float, seed: int) -> None:
    found = beats_per_minute(onsets(bpm, 15, seed, late=0.005), 60 / bpm * off)
    assert found == pytest.approx(bpm, rel=0.003)


def test_it_goes_by_all_of_a_long_recording() -> None:
    assert beats_per_minute(onsets(97.3, 200, 1, late=0.01), 60 / 97) == pytest.approx(97.3, rel=5e-4)


def test_a_few_beats_are_enough() -> None:
    assert beats_per_minute(onsets(120, 2, 1, late=0), 0.5) == pytest.approx(120, rel=0.006)
