import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttsai_server.audio.stft import Stft

RANDOM = np.random.default_rng(0)


@settings(max_examples=40)
@given(st.integers(0, 5000), st.integers(1, 3), st.sampled_from([(1536, 384), (2048, 512), (12, 4), (400, 80)]))
def test_there_and_back_is_the_same(count: int, channels: int, shape: tuple[int, int]) -> None:
    sound = RANDOM.standard_normal((count, channels)).astype(np.float32)
    stft = Stft(*shape)
    back = stft.synthesise(stft.analyse(sound), count)
    assert (back.shape, back.dtype) == (sound.shape, np.float32)
    assert back == pytest.approx(sound, abs=1e-4)


def test_a_tone_is_in_its_bin() -> None:
    tone = np.sin(2 * np.pi * 10 / 100 * np.arange(1000)).astype(np.float32)[:, None]
    spectrum = Stft(100, 25).analyse(tone)
    assert (spectrum.shape, spectrum.dtype) == ((51, 1, 43), np.complex64)
    assert np.argmax(np.abs(spectrum[:, 0, 20])) == 10
