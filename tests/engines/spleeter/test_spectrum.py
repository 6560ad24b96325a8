import numpy as np
import pytest

from ttsai_server.engines.spleeter.spectrum import HOP, SIZE, Synthesis, analyse


@pytest.fixture
def sound() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.3, (40 * HOP + SIZE, 2)).astype(np.float32)


def test_a_frame_is_taken_every_1024_samples_as_long_as_there_are_4096(sound: np.ndarray) -> None:
    assert analyse(sound).shape == (2, 41, 2049)
    assert analyse(sound[:-1]).shape == (2, 40, 2049)


def test_a_tone_of_a_bin_is_in_that_bin() -> None:
    tone = np.sin(2 * np.pi * 100 * np.arange(SIZE) / SIZE).astype(np.float32)
    levels = np.abs(analyse(tone[:, None]))[0, 0]
    assert int(levels.argmax()) == 100
    assert levels[100] == pytest.approx(SIZE / 4, rel=1e-4)  # half of the amplitude, half by the window


def test_sound_comes_back_in_parts_as_it_was(sound: np.ndarray) -> None:
    spectrum, synthesis = analyse(sound), Synthesis(2)
    back = np.concatenate([synthesis.push(part) for part in np.split(spectrum, [7, 8, 30], axis=1)])
    assert back.shape == (41 * HOP, 2)
    # the first frames have none before them
    np.testing.assert_allclose(back[SIZE - HOP :], sound[SIZE - HOP : len(back)], atol=1e-6)
