"""Pieces of sound, each at its time."""

import numpy as np
import pytest

from ttsai_server.audio.recording import Recording
from ttsai_server.audio.timeline import MOST_STRETCH, Timeline

RATE = 8000


def tone(seconds: float) -> np.ndarray:
    return 0.3 * np.sin(np.arange(round(seconds * RATE)) * 0.3).astype(np.float32)[:, None]


def test_sound_that_fits_is_put_at_its_time_as_it_is() -> None:
    with Recording(RATE) as track:
        assert Timeline(track).fit(tone(1), 2.0, 4.0) == (2.0, 3.0)
        assert not track.read(0, 2 * RATE).any()
        assert np.array_equal(track.read(2 * RATE, RATE), tone(1))


def test_sound_that_is_too_long_is_made_faster() -> None:
    with Recording(RATE) as track:
        start, end = Timeline(track).fit(tone(2.4), 0.0, 2.0)
    assert (start, end) == (0.0, pytest.approx(2.0, abs=0.01))


def test_sound_that_is_far_too_long_is_made_no_faster_than_can_be_followed_and_delays_the_next() -> None:
    with Recording(RATE) as track:
        timeline = Timeline(track)
        _, end = timeline.fit(tone(2.6), 0.0, 1.0)
        following, _ = timeline.fit(tone(0.5), 1.0, 9.0)
    assert end == pytest.approx(2.6 / MOST_STRETCH, abs=0.01)
    assert following == end


def test_sound_is_added_after_a_pause() -> None:
    with Recording(RATE) as track:
        timeline = Timeline(track)
        assert timeline.add(tone(1), 0.5) == (0.5, 1.5)
        assert timeline.add(tone(1), 0.25) == (1.75, 2.75)
