"""Which frames the decoder is given when sound is wanted soon."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ttsai_server.engines.kokoro.windows import AT_ONCE, CONTEXT, FIRST, GRIDS, OVERLAP, SILENCE, Window, windows

Floats = NDArray[np.float32]


@st.composite
def steps(draw: st.DrawFn) -> tuple[Floats, Floats, int, int]:
    """Phonemes and energy as prosody makes them, and where speech begins and ends."""
    begin, count = draw(st.integers(-9, 20)), draw(st.integers(1, 900))
    silence = draw(st.integers(0, 20))
    frames = begin + count + silence
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    asr = random.normal(size=(1, 512, max(frames, 1))).astype(np.float32)
    energy = random.uniform(-9, 9, (1, 2 * asr.shape[-1])).astype(np.float32)
    return asr, energy, begin, min(begin + count, asr.shape[-1])


Steps = steps()


def planned(step: tuple[Floats, Floats, int, int]) -> list[Window]:
    return windows(*step)


@given(Steps)
def test_what_is_heard_of_the_windows_is_the_whole_and_one_frame_twice_at_each_seam(
    step: tuple[Floats, Floats, int, int],
) -> None:
    _, _, begin, end = step
    if found := planned(step):
        assert (found[0].begin, found[-1].end) == (begin, end)
        assert [window.begin for window in found[1:]] == [window.end - 1 for window in found[:-1]]


@given(Steps)
def test_only_the_last_window_says_that_it_is(step: tuple[Floats, Floats, int, int]) -> None:
    found = planned(step)
    assert [window.last for window in found] == [window is found[-1] for window in found]


@given(Steps)
def test_a_window_is_given_what_is_heard_of_it_and_what_is_around(step: tuple[Floats, Floats, int, int]) -> None:
    _, _, begin, end = step
    for window in planned(step):
        around = np.arange(max(begin, window.begin - OVERLAP), min(end, window.end + OVERLAP))
        before = window.begin - around[0]
        assert np.array_equal(window.given[window.skip - before :][: len(around)], around)


@given(Steps)
def test_a_window_starts_with_the_silence_at_the_start(step: tuple[Floats, Floats, int, int]) -> None:
    for window in planned(step):
        assert window.given[:SILENCE].tolist() == list(range(step[2], step[2] + SILENCE))


@given(Steps)
def test_no_frame_is_given_that_is_not_there(step: tuple[Floats, Floats, int, int]) -> None:
    for window in planned(step):
        assert step[2] <= window.given.min() <= window.given.max() < step[3]


@given(Steps)
def test_what_is_given_is_on_the_grid(step: tuple[Floats, Floats, int, int]) -> None:
    assert all(len(window.given) % min(GRIDS.values()) == 0 for window in planned(step))


@given(Steps)
def test_the_first_window_is_always_as_long_so_its_kernels_are_prepared(
    step: tuple[Floats, Floats, int, int],
) -> None:
    assert all(len(window.given) == FIRST + CONTEXT for window in planned(step)[:1])


@given(Steps)
def test_a_seam_is_the_quietest_frame_of_the_last_third(step: tuple[Floats, Floats, int, int]) -> None:
    loudness = step[1].reshape(-1, 2).mean(axis=1)
    for number, window in enumerate(planned(step)[:-1]):
        most = FIRST * 2**number
        third = loudness[window.begin + 2 * most // 3 : window.begin + most]
        assert loudness[window.end - 1] == third.min()


@given(Steps)
def test_a_share_of_silence_is_a_share(step: tuple[Floats, Floats, int, int]) -> None:
    assert all(0 <= window.silence < 1 for window in planned(step))


def test_a_short_step_has_no_windows() -> None:
    asr, energy = np.zeros((1, 512, AT_ONCE + 1), np.float32), np.zeros((1, 2 * AT_ONCE + 2), np.float32)
    assert not windows(asr, energy, 0, AT_ONCE)
    assert windows(asr, energy, 0, AT_ONCE + 1)
