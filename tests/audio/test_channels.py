"""One speaker a channel: each is heard alone, and none twice."""

import numpy as np
import pytest

from ttsai_server.audio.channels import isolate_speakers
from ttsai_server.audio.recording import Recording

RATE = 16_000
TIME = np.arange(4 * RATE) / RATE
VOICE = (0.3 * np.sin(2 * np.pi * 200 * TIME) * (np.sin(2 * np.pi * 4 * TIME) > 0)).astype(np.float32)
FIRST = np.where(TIME < 2, VOICE, 0).astype(np.float32)
SECOND = np.where(TIME >= 2.5, VOICE, 0).astype(np.float32)


def apart(left: np.ndarray, right: np.ndarray) -> list[np.ndarray]:
    with Recording(RATE, 2) as recording:
        recording.append(np.stack([left, right], axis=1))
        parts = isolate_speakers(recording)
        samples = [part.read(0, part.frames)[:, 0] for part in parts]
        for part in parts:
            part.close()
        return samples


def test_each_channel_is_a_recording_as_long() -> None:
    left, right = apart(FIRST, SECOND)
    assert np.array_equal(left, FIRST)
    assert np.array_equal(right, SECOND)


@pytest.mark.parametrize("bleed", [0.05, 0.2])
def test_the_others_voice_is_not_heard_in_a_channel(bleed: float) -> None:
    left, right = apart(FIRST + bleed * SECOND, SECOND + bleed * FIRST)
    assert np.array_equal(left[: 2 * RATE], FIRST[: 2 * RATE])
    assert not left[3 * RATE :].any()
    assert not right[: 2 * RATE - RATE // 2].any()
    assert np.array_equal(right[3 * RATE :], SECOND[3 * RATE :])


@pytest.mark.parametrize("fainter", [1, 0.15])
def test_two_who_speak_at_once_are_both_heard_though_one_is_fainter(fainter: float) -> None:
    left, right = apart(VOICE, fainter * np.roll(VOICE, RATE // 10))
    assert np.array_equal(left, VOICE)
    assert right.any()
    assert np.count_nonzero(right) > 0.9 * np.count_nonzero(VOICE)


def test_silence_stays_silent() -> None:
    assert not any(part.any() for part in apart(np.zeros_like(VOICE), np.zeros_like(VOICE)))
