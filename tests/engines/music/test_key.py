import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.engines.music.features import PITCHES_PER_SECOND, STEPS, Features
from ttsai_server.engines.music.key import MAJOR, MINOR, chroma, find_key, sameness, successions, tuning

pitch_classes = st.lists(st.floats(0.1, 1), min_size=12, max_size=12).filter(lambda heard: np.ptp(heard) > 0.01)

SECOND_NOTE = np.array([5 / PITCHES_PER_SECOND])


def features(steps: np.ndarray, cents: float) -> Features:
    """Of one frame with peaks at some of the octave's STEPS, so many cents off."""
    upper = np.zeros((2, STEPS, 1), np.float16)
    upper[1, steps, 0] = 1
    turned = np.bincount(steps, minlength=STEPS) * np.exp(2j * np.pi * cents / 100)
    return Features(np.zeros((3, 8)), upper, turned, float(len(steps)), np.ones(1))


@given(pitch_classes, st.integers(0, 11))
def test_a_transposed_piece_is_in_a_transposed_key(heard: list[float], up: int) -> None:
    tune = np.repeat([heard, heard[::-1]], 5, axis=0).T
    here, there = (find_key(np.roll(tune, shift, axis=0), SECOND_NOTE) for shift in (0, up))
    assert there.likeness == pytest.approx(here.likeness)
    if here.probability > 0.5:
        assert (there.tonic, there.minor) == ((here.tonic + up) % 12, here.minor)


@pytest.mark.parametrize(("profile", "minor"), [(MAJOR, False), (MINOR, True)])
def test_a_profile_is_its_own_key(profile: tuple[float, ...], minor: bool) -> None:
    key = find_key(np.roll(profile, 3)[:, None], SECOND_NOTE)
    assert (key.tonic, key.minor) == (3, minor)
    assert key.likeness == pytest.approx(1, abs=1e-6)


def test_it_counts_which_note_follows_which() -> None:
    tune = np.repeat(np.eye(12)[[0, 7, 0, 7]], 5, axis=0).T
    table = successions(tune, np.arange(1, 4) * 5 / PITCHES_PER_SECOND)
    assert table[0, 7] == pytest.approx(2 * table[7, 0])
    assert np.count_nonzero(table) == 2


@given(st.floats(-45, 45))
def test_the_tuning_is_that_of_the_peaks(cents: float) -> None:
    found, steadiness = tuning(features(np.array([0, 12, 21]), cents))
    assert found == pytest.approx(cents, abs=0.01)
    assert steadiness == pytest.approx(1)


def test_pitch_classes_count_from_c() -> None:
    assert int(np.argmax(chroma(features(np.array([0]), 0.0), 0.0))) == 9  # step 0 is A


@given(pitch_classes)
def test_one_sound_throughout_is_the_same(heard: list[float]) -> None:
    assert sameness(np.tile(np.array(heard)[:, None], (1, 50)), 40) == pytest.approx(1)
