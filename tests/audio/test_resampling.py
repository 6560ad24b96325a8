import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttsai_server.audio.recording import Recording, Stopped
from ttsai_server.audio.resampling import resample

RATES = st.sampled_from([8000, 16_000, 22_050, 44_100, 48_000])


def tone(count: int, rate: int, hertz: float = 440.0) -> Recording:
    recording = Recording(rate)
    recording.append((0.5 * np.sin(2 * np.pi * hertz / rate * np.arange(count)))[:, None].astype(np.float32))
    return recording


@given(count=st.integers(0, 300_000), rate=RATES, other=RATES)
@settings(max_examples=60)
def test_there_and_back_a_recording_keeps_its_length(count: int, rate: int, other: int) -> None:
    with tone(count, rate) as there, resample(there, other) as away, resample(away, rate, frames=count) as back:
        assert away.frames == round(count * other / rate)
        assert back.frames == count


@pytest.mark.parametrize(("rate", "other"), [(44_100, 48_000), (48_000, 16_000), (8000, 44_100)])
def test_a_sample_is_the_moment_that_it_was(rate: int, other: int) -> None:
    count = 5 * rate
    with tone(count, rate) as there, resample(there, other) as away:
        sound = away.read(0, away.frames)[:, 0]
    wanted = 0.5 * np.sin(2 * np.pi * 440 / other * np.arange(len(sound)))
    inner = slice(other // 10, -other // 10)
    assert np.max(np.abs(sound[inner] - wanted[inner])) < 1e-4


def test_told_to_stop_it_stops() -> None:
    with tone(1000, 8000) as recording, pytest.raises(Stopped):
        resample(recording, 16_000, stop=lambda: True)
