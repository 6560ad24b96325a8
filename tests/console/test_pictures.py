"""What a sound looks like."""

from base64 import b64decode

import numpy as np
import pytest

from ttsai_server.audio.recording import Recording
from ttsai_server.console.pictures import BARS, COLUMNS, ROWS, picture

RATE = 16_000


def recording(samples: np.ndarray) -> Recording:
    made = Recording(RATE)
    made.append(samples.astype(np.float32).reshape(-1, 1))
    return made


def test_the_wave_is_high_where_the_sound_is_loud() -> None:
    with recording(np.repeat([0.0, 1.0], RATE)) as sound:
        drawn = picture(sound)
    bars = np.frombuffer(b64decode(drawn.wave), np.uint8)
    assert drawn.seconds == 2
    assert len(bars) == BARS
    assert (bars[: BARS // 2 - 1].max(), bars[BARS // 2 + 1 :].min()) == (0, 255)


@pytest.mark.parametrize("hertz", [500, 2000, 6000])
def test_the_spectrogram_is_brightest_at_the_frequency_of_a_tone(hertz: int) -> None:
    with recording(0.5 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)) as sound:
        levels = np.frombuffer(b64decode(picture(sound).spectrogram), np.uint8).reshape(ROWS, COLUMNS)
    row = int(levels[:, COLUMNS // 2].argmax())
    assert row == pytest.approx(ROWS * (1 - hertz / (RATE / 2)), abs=1.5)


@pytest.mark.parametrize("frames", [0, 1, 100])
def test_the_shortest_sounds_have_a_picture(frames: int) -> None:
    with recording(np.zeros(frames)) as sound:
        drawn = picture(sound)
    assert len(b64decode(drawn.spectrogram)) == ROWS * COLUMNS
