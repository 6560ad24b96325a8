"""Where an utterance begins and ends."""

import pytest

from ttsai_server.services.live_transcription.bounds import SpeechBounds
from ttsai_server.services.live_transcription.plan import SpeechDetection

DETECTION = SpeechDetection(threshold=0.5, silence_seconds=0.32)
"""Ten frames of silence."""


def speaking(*probabilities: float) -> list[bool]:
    bounds = SpeechBounds()

    def after(probability: float) -> bool:
        bounds.add(probability, DETECTION)
        return bounds.speaking

    return [after(probability) for probability in probabilities]


@pytest.mark.parametrize(("frames", "begins"), [(2, False), (3, True)])
def test_a_click_is_no_speech(frames: int, begins: bool) -> None:
    assert any(speaking(*[0.9] * frames, *[0.1] * 5)) == begins


def test_it_ends_with_the_silence_that_is_asked_for() -> None:
    assert speaking(*[0.9] * 5, *[0.1] * 12)[5:] == [*[True] * 9, *[False] * 3]


def test_a_shorter_pause_does_not_end_it() -> None:
    assert all(speaking(*[0.9] * 3, *([0.1] * 9 + [0.9]) * 4)[2:])


def test_a_little_less_than_the_threshold_goes_on_being_speech() -> None:
    assert all(speaking(*[0.6] * 3, *[0.4] * 50)[2:])
    assert not any(speaking(*[0.4] * 50))
