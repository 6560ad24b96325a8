"""Cancelling the work for a client that disconnects."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

T = TypeVar("T")


class ClientDisconnected(Exception):
    """The client closed the connection before the answer was complete."""


async def cancel_on_disconnect(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Await `work`. → its result. Cancels it, and raises ClientDisconnected, if the client disconnects first.

    Returns or raises only after the work has ended. The request's body must have been read before.
    """
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientDisconnected
    finally:
        for each in (task, gone):
            each.cancel()
        await asyncio.wait((task, gone))
        if not task.cancelled():
            task.exception()  # retrieve it: otherwise asyncio logs it as never retrieved


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
