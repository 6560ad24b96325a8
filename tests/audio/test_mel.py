import numpy as np
import pytest

from ttsai_server.audio.mel import mel_filters


@pytest.mark.parametrize(("rate", "size", "bands"), [(16_000, 400, 40), (22_050, 1024, 40), (48_000, 2048, 128)])
def test_every_band_has_the_same_area(rate: int, size: int, bands: int) -> None:
    areas = mel_filters(rate, 16 * size, bands).sum(axis=1) * rate / (16 * size)
    assert areas == pytest.approx(np.ones(bands), rel=0.02)


def test_bands_are_even_up_to_a_kilohertz_and_widen_above() -> None:
    tops = np.argmax(mel_filters(16_000, 16_000, 40), axis=1)
    steps = np.diff(tops)
    assert np.ptp(steps[tops[1:] < 1000]) <= 1
    assert steps[-1] / tops[-1] == pytest.approx(steps[-8] / tops[-8], rel=0.03)
