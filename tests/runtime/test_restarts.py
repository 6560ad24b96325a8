"""When a crashed model may be loaded again."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.runtime.restarts import Restarts


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_model_that_has_not_died_is_loaded_at_once() -> None:
    assert Restarts(5).wait == 0


def test_each_death_while_loading_doubles_the_wait_up_to_a_minute() -> None:
    clock = Clock()
    restarts, waits = Restarts(5, clock), list[float]()
    for _ in range(7):
        clock.now += restarts.wait
        restarts.started()
        restarts.died()
        waits.append(restarts.wait)
    assert waits == [5, 10, 20, 40, 60, 60, 60]


def test_a_model_that_has_been_loaded_waits_no_longer_each_time_it_dies() -> None:
    clock = Clock()
    restarts, waits = Restarts(5, clock), list[float]()
    for _ in range(4):
        clock.now += restarts.wait
        restarts.started()
        restarts.loaded()
        clock.now += 1
        restarts.died()
        waits.append(restarts.wait)
    assert waits == [4, 4, 4, 4]


def test_the_wait_counts_from_the_start_however_long_a_load_takes() -> None:
    clock = Clock()
    restarts, waits = Restarts(5, clock), list[float]()
    for _ in range(5):
        clock.now += restarts.wait
        restarts.started()
        clock.now += 10
        restarts.died()
        waits.append(restarts.wait)
    assert waits == [0, 0, 10, 30, 50]


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0.1, 100))
def test_two_starts_are_never_closer_than_the_setting(lives: list[float], seconds: float) -> None:
    clock = Clock()
    restarts, starts = Restarts(seconds, clock), list[float]()
    for life in lives:
        clock.now += restarts.wait
        restarts.started()
        starts.append(clock.now)
        restarts.loaded()
        clock.now += life
        restarts.died()
    assert all(after - before >= seconds - 1e-6 for before, after in pairwise(starts))
