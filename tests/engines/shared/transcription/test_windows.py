"""How a recording is cut into what Whisper takes: nothing of its speech is lost or heard twice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttsai_server.audio.recording import Recording
from ttsai_server.engines.shared.transcription.windows import CHUNK, RATE, Chunk, Stretch, read_window

SECOND = RATE


@st.composite
def speech(draw: st.DrawFn) -> list[Stretch]:
    """Stretches of 1 to 29 seconds, with pauses between."""
    found: list[Stretch] = []
    for length, pause in draw(st.lists(st.tuples(st.integers(1, 29), st.integers(1, 20)), min_size=1, max_size=12)):
        start = (found[-1][1] if found else 0) + pause * SECOND
        found.append((start, start + length * SECOND))
    return found


def chunk(stretches: list[Stretch]) -> Chunk:
    return Chunk(tuple(stretches), np.concatenate([np.arange(*stretch, dtype=np.float32) for stretch in stretches]))


@given(speech())
@settings(max_examples=30)
def test_every_stretch_is_in_one_chunk_and_no_chunk_is_too_long(stretches: list[Stretch]) -> None:
    sound = np.zeros((stretches[-1][1] + SECOND, 1), np.float32)
    for start, end in stretches:
        sound[start:end] = 1
    with Recording(RATE) as recording:
        recording.append(sound)
        position, heard = 0, 0
        while position < recording.frames:
            window = read_window(recording, position, 2, _loud)
            heard += sum(int(chunk.sound.sum()) for chunk in window.chunks)
            assert all(len(chunk.sound) <= CHUNK for chunk in window.chunks)
            assert window.end > position
            position = window.end
    assert heard == int(sound.sum())


@given(speech(), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=200)
def test_what_is_heard_again_is_less_than_all_and_holds_the_seconds_asked_for(
    stretches: list[Stretch], one: float, other: float
) -> None:
    whole = chunk(stretches)
    seconds = len(whole.sound) / RATE
    start, end = min(one, other) * seconds, max(one, other) * seconds
    cuts = whole.again(start, end)
    assert bool(cuts) is (len(stretches) > 1)
    if cuts:
        before, *parts, after = whole.cut(*cuts)
        assert before.seconds <= start + 1e-6
        assert end <= seconds - after.seconds + 1e-6
        assert all(0 < len(part.stretches) < len(stretches) for part in parts)


@given(speech(), st.floats(0, 1), st.floats(0, 1))
@settings(deadline=None, max_examples=200)
def test_a_cut_chunk_is_all_of_it_in_order(stretches: list[Stretch], one: float, other: float) -> None:
    whole = chunk(stretches)
    parts = whole.cut(*whole.again(min(one, other) * whole.seconds, max(one, other) * whole.seconds))
    assert np.array_equal(np.concatenate([part.sound for part in parts]), whole.sound)
    assert tuple(stretch for part in parts for stretch in part.stretches) == whole.stretches


def test_most_of_a_chunk_is_heard_again_in_two_halves() -> None:
    whole = chunk([(second * SECOND, second * SECOND + SECOND) for second in range(0, 20, 2)])
    assert [part.seconds for part in whole.cut(*whole.again(1.5, 9.5))] == [1, 4, 5, 0]
    assert [part.seconds for part in whole.cut(*whole.again(4.5, 9.5))] == [4, 6, 0]


def test_an_end_that_rounding_puts_after_the_last_sample_is_the_end() -> None:
    whole = chunk([(0, 1000), (2000, 3007)])
    seconds = len(whole.sound) / RATE
    assert seconds * RATE > len(whole.sound)
    assert whole.again(0, seconds) == (0, 1, 2)


@pytest.mark.parametrize(("moment", "held"), [(0.0, (0, 1000)), (0.0625, (2000, 3007)), (2007 / RATE, (2000, 3007))])
def test_a_moment_is_heard_again_in_the_stretch_that_holds_it(moment: float, held: Stretch) -> None:
    whole = chunk([(0, 1000), (2000, 3007)])
    _, part, _ = whole.cut(*whole.again(moment, moment))
    assert part.stretches == (held,)


def _loud(sound: np.ndarray) -> list[Stretch]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], sound, [0]])))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]
