"""Runs blocking work in a thread such that it can be cancelled."""

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
    """Run `work` in a thread of the executor (None: the event loop's default one) and return its result.

    If this coroutine is cancelled, it calls `cancellation.cancel()` and waits until the work has ended; `discard` then
    gets the result, should the work have succeeded nevertheless.
    """
    future = asyncio.get_running_loop().run_in_executor(executor, work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if cancellation:
            cancellation.cancel()
        await asyncio.wait([future])
        if not future.exception():  # reading it here also keeps asyncio from logging it as never retrieved
            discard(future.result())
        raise
