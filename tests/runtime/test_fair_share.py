"""Blocking work takes turns, fairly between accounts."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from ttsai_server.audio.recording import Stopped
from ttsai_server.errors import ModelLoading
from ttsai_server.runtime import fair_share
from ttsai_server.runtime.fair_share import MOST_BEGUN, FairShare, Stop

PATIENCE = 60.0


@pytest.fixture(autouse=True)
def short_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_share, "SLICE_SECONDS", 0.001)


@pytest.fixture
def opened() -> Iterator[Callable[..., FairShare]]:
    shares: list[FairShare] = []

    def make(threads: int = 1, patience: float = PATIENCE) -> FairShare:
        shares.append(FairShare(threads, patience))
        return shares[-1]

    yield make
    for share in shares:
        share.close()


class Endless:
    """Work that goes on until it is stopped."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.ended = threading.Event()

    def __call__(self, stop: Stop) -> None:
        self.begun.set()
        try:
            while not stop():
                pass
            raise Stopped
        finally:
            self.ended.set()


async def begun(share: FairShare, account: str) -> tuple[Endless, "asyncio.Task[None]"]:
    work = Endless()
    task = asyncio.create_task(share.run(account, work))
    await asyncio.to_thread(work.begun.wait)
    return work, task


async def ended(work: Endless, task: "asyncio.Task[None]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.ended.is_set()


async def test_short_work_is_done_while_another_account_has_the_only_thread(opened: Callable[..., FairShare]) -> None:
    share = opened()
    endless = await begun(share, "greedy")
    assert await share.run("other", lambda stop: "done") == "done"
    await ended(*endless)


async def test_an_account_that_asks_for_much_leaves_room_for_others(opened: Callable[..., FairShare]) -> None:
    share = opened()
    endless = await begun(share, "greedy")
    queue = [asyncio.create_task(share.run("greedy", Endless())) for _ in range(2 * MOST_BEGUN)]
    await asyncio.sleep(0)
    assert await share.run("other", lambda stop: "done") == "done"
    for task in queue:
        task.cancel()
    await asyncio.gather(*queue, return_exceptions=True)
    await ended(*endless)


async def test_two_accounts_get_as_many_turns_each_however_many_works_one_has(opened: Callable[..., FairShare]) -> None:
    share, turns = opened(threads=2), {"greedy": 0, "modest": 0}

    async def work(account: str) -> None:
        def blocks(stop: Stop) -> None:
            while turns["modest"] < 200:
                turns[account] += 1
                threading.Event().wait(0.001)
                if stop():
                    raise Stopped

        await share.run(account, blocks)

    await asyncio.gather(*(work("greedy") for _ in range(5)), work("modest"))
    assert turns["greedy"] < 4 * turns["modest"]


@asynccontextmanager
async def blocked(share: FairShare) -> AsyncGenerator[None]:
    """Within it, another account's work has a thread, and does not pause."""
    running, free = threading.Event(), threading.Event()

    def block(stop: Stop) -> None:
        running.set()
        free.wait()

    task = asyncio.create_task(share.run("blocker", block))
    try:
        await asyncio.to_thread(running.wait)
        yield
    finally:
        free.set()
        await task


async def test_work_that_gets_no_turn_in_time_is_told_when_to_come_again(opened: Callable[..., FairShare]) -> None:
    share = opened(patience=2.0)
    async with blocked(share):
        with pytest.raises(ModelLoading, match="busy") as refused:
            await share.run("b", lambda stop: None)
    assert refused.value.retry_after > 0


async def test_work_that_waits_for_its_next_turn_in_vain_is_refused(opened: Callable[..., FairShare]) -> None:
    share = opened(patience=2.0)
    endless, task = await begun(share, "a")
    async with blocked(share):
        with pytest.raises(ModelLoading, match="busy"):
            await task
        assert endless.ended.is_set()


async def test_work_that_waits_for_its_next_turn_can_be_cancelled(opened: Callable[..., FairShare]) -> None:
    share = opened()
    endless = await begun(share, "a")
    async with blocked(share):
        await ended(*endless)


async def test_the_error_of_work_is_raised_and_the_thread_goes_on_to_the_next(opened: Callable[..., FairShare]) -> None:
    share = opened()

    def fail(stop: Stop) -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await share.run("a", fail)
    assert await share.run("a", lambda stop: 1) == 1
