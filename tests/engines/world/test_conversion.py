import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engines.voice_encoder import syllables

from ttsai_server.engines.world.conversion import _transport, warp, warped
from ttsai_server.engines.world.profile import ORDER, cepstra, outline
from ttsai_server.engines.world.vocoder import analyse

RATE = 24_000


def covariance(seed: int) -> np.ndarray:
    samples = np.random.default_rng(seed).normal(size=(40, 6))
    return samples.T @ samples / 40 + 0.01 * np.eye(6)


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_one_distribution_is_carried_over_to_the_other(one: int, other: int) -> None:
    source, target = covariance(one), covariance(other)
    turn = _transport(source, target)
    assert turn @ source @ turn.T == pytest.approx(target, abs=1e-6)


@given(st.integers(0, 1000))
def test_a_distribution_is_carried_over_to_itself_without_a_change(seed: int) -> None:
    assert _transport(covariance(seed), covariance(seed)) == pytest.approx(np.eye(6), abs=1e-6)


def test_a_higher_voice_has_higher_formants() -> None:
    assert warp(np.log(110), np.log(200)) == pytest.approx(1.175, abs=0.01)
    assert warp(np.log(200), np.log(110)) == pytest.approx(1 / 1.175, abs=0.01)


def test_a_warp_moves_a_peak_of_the_spectrum() -> None:
    parts = analyse(syllables(130, 1, RATE)[:, 0], RATE)
    before, after = (np.argmax(np.mean(each.envelope[:, :100], axis=0)) for each in (parts, warped(parts, 1.2)))
    assert after / before == pytest.approx(1.2, abs=0.1)


def test_an_outline_is_what_its_cepstra_say() -> None:
    coefficients = 0.1 * np.random.default_rng(0).normal(size=(3, ORDER))
    back = cepstra(outline(coefficients, RATE, 513), RATE)
    assert back[:, :10] == pytest.approx(coefficients[:, :10], abs=0.1)


@pytest.mark.parametrize("hertz", [90, 130, 220])
def test_the_pitch_is_not_mistaken_by_an_octave(hertz: float) -> None:
    parts = analyse(syllables(hertz, 2, RATE)[:, 0], RATE)
    assert np.median(parts.hertz[parts.voiced]) == pytest.approx(hertz, rel=0.06)
