import time
from email.utils import formatdate

import pytest

from ttsai_server.services.webhooks.schedule import LONGEST_RETRY_AFTER, WAITS, retry_after, wait_after

DAY = 86_400


def test_attempts_go_on_for_a_day() -> None:
    waits: list[float] = []
    while (wait := wait_after(len(waits) + 1)) is not None:
        waits.append(wait)
    assert DAY <= sum(waits) <= 1.25 * DAY
    assert len(waits) == 10


def test_each_wait_is_longer_than_the_one_before() -> None:
    assert list(WAITS) == sorted(set(WAITS))


def test_the_first_repeat_comes_soon() -> None:
    assert wait_after(1) == 5


def test_a_receiver_can_put_the_next_attempt_off() -> None:
    assert wait_after(1, 90) == 90


def test_but_not_for_longer_than_the_bound() -> None:
    assert wait_after(1, 1e9) == LONGEST_RETRY_AFTER


def test_and_never_hasten_it() -> None:
    assert wait_after(4, 1) == wait_after(4)


def test_nor_ask_for_more_attempts_than_there_are() -> None:
    assert wait_after(len(WAITS) + 1, 5) is None


@pytest.mark.parametrize(("value", "seconds"), [("0", 0), ("120", 120), ("9" * 400, 999_999_999)])
def test_seconds_are_read(value: str, seconds: float) -> None:
    assert retry_after(value) == seconds


def test_a_date_is_read() -> None:
    assert retry_after(formatdate(time.time() + 100, usegmt=True)) == pytest.approx(100, abs=30)


def test_a_date_that_has_passed_asks_for_nothing() -> None:
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.5", "²", "Wed, 99 Oct 2015 07:28:00 GMT", "1 Jan 99999 00:00"])
def test_anything_else_is_nothing(value: str) -> None:
    assert retry_after(value) is None
