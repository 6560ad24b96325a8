"""The parts that a spoken translation is put together from."""

import io

import numpy as np
import pytest
import soundfile

from ttsai_server.services.speech_translation_run import samples_at


@pytest.mark.parametrize("own", [16_000, 24_000])
def test_speech_of_voices_with_another_rate_keeps_its_length_and_pitch(own: int) -> None:
    file, time = io.BytesIO(), np.arange(own) / own
    soundfile.write(file, 0.5 * np.sin(2 * np.pi * 440 * time), own, format="WAV")
    samples = samples_at(24_000, file)
    assert samples.shape == (24_000, 1)
    assert samples.dtype == np.float32
    assert np.argmax(np.abs(np.fft.rfft(samples[:, 0]))) == 440
