"""Blocking work in a thread, that can be told to stop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from ttsai_server.engines.base import Cancellation

T = TypeVar("T")


async def in_thread(
    executor: Executor | None,
    work: Callable[[], T],
    cancellation: Cancellation | None = None,
    discard: Callable[[T], object] = lambda result: None,
) -> T:
    """The work's result. Cancelled, it tells the work to stop, and waits until it has. No executor: the loop's own.

    discard: takes the result of work that ended well before it could be stopped.
    """
    future = asyncio.get_running_loop().run_in_executor(executor, work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if cancellation:
            cancellation.cancel()
        await asyncio.wait([future])
        if not future.exception():  # which is seen now: the task that would have heard of it is gone
            discard(future.result())
        raise
