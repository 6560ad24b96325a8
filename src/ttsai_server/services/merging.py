"""Work that goes on at the same time, as one stream of steps."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

MOST_WAITING = 64
"""Steps that may wait for the consumer; then the work waits for it."""


@dataclass(frozen=True, slots=True)
class _Item(Generic[T]):
    value: T


@dataclass(frozen=True, slots=True)
class _End:
    error: Exception | None = None


async def merged(*streams: AsyncGenerator[T]) -> AsyncGenerator[T]:
    """What the streams yield, as it comes. The first error ends them all, as closing does. Must be closed."""
    waiting: asyncio.Queue[_Item[T] | _End] = asyncio.Queue()
    room = asyncio.Semaphore(MOST_WAITING)

    async def pump(stream: AsyncGenerator[T]) -> None:
        end = _End()
        try:
            async with aclosing(stream):
                async for value in stream:
                    await room.acquire()
                    waiting.put_nowait(_Item(value))
        except Exception as error:
            end = _End(error)
        waiting.put_nowait(end)  # needs no room: nobody makes any once all is being closed

    pumps = [asyncio.create_task(pump(stream)) for stream in streams]
    try:
        running = len(pumps)
        while running:
            match await waiting.get():
                case _Item(value):
                    room.release()
                    yield value
                case _End(None):
                    running -= 1
                case _End(error):
                    assert error
                    raise error
    finally:
        for each in pumps:
            each.cancel()
        await asyncio.wait(pumps)
