"""When a crashed model may be loaded again."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.runtime.restarts import LONGEST_SECONDS, Restarts


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_model_that_has_not_died_is_loaded_at_once() -> None:
    assert Restarts(5).wait == 0


def test_each_death_in_a_row_doubles_the_wait_up_to_a_minute() -> None:
    clock = Clock()
    restarts, waits = Restarts(5, clock), list[float]()
    for _ in range(7):
        clock.now += restarts.wait
        restarts.started()
        restarts.died()
        waits.append(restarts.wait)
    assert waits == [5, 10, 20, 40, 60, 60, 60]


def test_a_long_life_starts_the_count_anew() -> None:
    clock = Clock()
    restarts = Restarts(5, clock)
    for _ in range(4):
        restarts.started()
        restarts.died()
    restarts.started()
    clock.now += LONGEST_SECONDS + 1
    restarts.died()
    assert restarts.wait == 0


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0.1, 100))
def test_two_starts_are_never_closer_than_the_setting(lives: list[float], seconds: float) -> None:
    clock = Clock()
    restarts, starts = Restarts(seconds, clock), list[float]()
    for life in lives:
        clock.now += restarts.wait
        restarts.started()
        starts.append(clock.now)
        clock.now += life
        restarts.died()
    assert all(after - before >= seconds - 1e-6 for before, after in pairwise(starts))
