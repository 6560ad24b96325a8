"""A segment of speech, as it grows."""

import asyncio

import numpy as np
import pytest

from ttsai_server.services.live_transcription.plan import RATE, LivePlan
from ttsai_server.services.live_transcription.segment import Segment

NOISE = np.random.default_rng(0).normal(0, 0.1, 28 * RATE).astype(np.float32)
PLAN: LivePlan = None  # pyright: ignore[reportAssignmentType] what is tested asks for no plan


def long(quiet: float | None = None) -> Segment:
    """28 s of noise that begins a second after the session, with a pause of .4 s around the second `quiet`."""
    sound = NOISE.copy()
    if quiet is not None:
        sound[round((quiet - 0.2) * RATE) : round((quiet + 0.2) * RATE)] *= 0.01
    segment = Segment(PLAN, 7, RATE, np.zeros(0, np.float32))
    for block in np.split(sound, 28):
        segment.add(block, speech=True)
    return segment


def test_a_long_one_is_cut_in_its_pause() -> None:
    segment = long(quiet=23.0)
    rest = segment.cut()
    assert segment.seconds == pytest.approx(23.0, abs=0.1)
    assert (segment.last, rest.last, rest.utterance) == (False, True, 7)


def test_a_cut_loses_no_sound() -> None:
    segment = long(quiet=25.0)
    rest = segment.cut()
    assert np.concatenate([segment.sound, rest.sound]) == pytest.approx(long(quiet=25.0).sound)
    assert rest.start == segment.start + segment.frames
    assert (segment.spoken, rest.spoken) == (segment.frames, rest.frames)


def test_it_is_cut_after_the_words_that_have_been_told() -> None:
    segment = long(quiet=21.0)
    segment.settled = 24 * RATE
    segment.cut()
    assert segment.frames >= 24 * RATE


def test_without_a_pause_it_is_cut_all_the_same() -> None:
    segment = long()
    segment.settled = segment.frames
    assert (segment.cut().frames, segment.seconds) == (0, 28)


def test_a_hearing_that_has_heard_all_speech_is_the_last_one() -> None:
    segment = Segment(PLAN, 1, 0, np.zeros(0, np.float32))
    segment.add(NOISE[:RATE], speech=True)
    segment.add(NOISE[:RATE], speech=False)
    segment.end()
    assert [segment.is_heard(end) for end in (RATE - 1, RATE, 2 * RATE)] == [False, True, True]


def test_a_hearing_from_before_a_cut_does_not_count() -> None:
    segment = long(quiet=23.0)
    segment.cut()
    assert not segment.is_heard(28 * RATE)


async def test_it_is_heard_at_once_when_the_speaker_pauses() -> None:
    segment = Segment(PLAN, 1, 0, np.zeros(0, np.float32))
    segment.add(NOISE[:RATE], speech=True)
    waiting = asyncio.create_task(segment.worth_hearing(float("inf")))
    segment.add(NOISE[: RATE // 4], speech=False)
    await asyncio.wait_for(waiting, 60)


@pytest.mark.parametrize(("pauses", "heard"), [(True, RATE // 2), (False, RATE // 2), (True, RATE)])
async def test_a_hearing_is_outdated_by_the_end_or_a_pause_after_speech_that_it_does_not_hear(
    pauses: bool, heard: int
) -> None:
    segment = Segment(PLAN, 1, 0, np.zeros(0, np.float32))
    segment.heard = heard
    waiting = asyncio.create_task(segment.ends_unheard(pauses=pauses))
    for speech in (True, False):
        segment.add(NOISE[:RATE], speech=speech)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert waiting.done() == (pauses and heard < RATE)
    segment.end()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert waiting.done() == (heard < RATE)
    waiting.cancel()
