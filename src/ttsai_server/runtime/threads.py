"""Runs blocking work in a thread such that it can be cancelled."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from math import inf
from typing import Any, TypeVar

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
        await outwait(future)
        if not future.exception():  # reading it here also keeps asyncio from logging it as never retrieved
            discard(future.result())
        raise


async def outwait(future: asyncio.Future[Any], seconds: float = inf) -> bool:
    """Wait in a cancelled task until work that was asked to stop is done; return whether it is.

    Cancelling the task again does not end the wait: what the work uses must not be freed while it goes on.
    """
    now = asyncio.get_running_loop().time
    until = now() + seconds
    while not future.done() and now() < until:
        with suppress(asyncio.CancelledError):
            await asyncio.wait([future], timeout=None if until == inf else until - now())
    return future.done()
