"""Blocking work that is cancelled."""

import asyncio
from threading import Event

import pytest

from ttsai_server.runtime.threads import in_thread


async def test_a_result_that_comes_after_the_cancellation_is_discarded() -> None:
    begun, go_on, discarded = Event(), Event(), list[str]()

    def work() -> str:
        begun.set()
        go_on.wait(10)
        return "made"

    task = asyncio.create_task(in_thread(None, work, discard=discarded.append))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert discarded == ["made"]


async def test_work_that_is_cancelled_twice_ends_before_who_waits_for_it() -> None:
    begun, go_on, ended = Event(), Event(), Event()

    def work() -> None:
        begun.set()
        go_on.wait(10)
        ended.set()

    task = asyncio.create_task(in_thread(None, work))
    await asyncio.to_thread(begun.wait, 10)
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_a_result_that_is_waited_for_is_not_discarded() -> None:
    discarded = list[str]()
    assert await in_thread(None, lambda: "made", discard=discarded.append) == "made"
    assert discarded == []
