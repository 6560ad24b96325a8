"""Decides which step runs next: earliest deadline first (Liu and Layland, "Scheduling Algorithms for Multiprogramming
in a Hard-Real-Time Environment", 1973).

A step's deadline is the moment when its listener has played all the sound produced so far. So a new request (due at
once) runs before one whose listener has seconds of sound buffered, all streams get the same share, and none starves:
the deadline of a waiting step stays the same while the others' move on.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from heapq import heappop, heappush
from itertools import count


class NoTurn(Exception):
    """A step waited for its turn longer than its `patience`."""


class DeadlineSemaphore:
    """A semaphore whose waiters are served by deadline, not by arrival."""

    def __init__(self, permits: int) -> None:
        self._free = permits
        self._order = count()
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []

    @property
    def waiting(self) -> int:
        """Number of steps that wait for a permit."""
        return sum(not turn.done() for _, _, turn in self._waiting)

    @asynccontextmanager
    async def turn(self, due: float, patience: float | None = None) -> AsyncGenerator[None]:
        """Hold a permit for the duration of the context.

        due: deadline, seconds of the event loop's clock. Raises NoTurn after `patience` seconds; None: no limit.
        """
        try:
            async with asyncio.timeout(patience):
                await self._acquire(due)
        except TimeoutError:
            raise NoTurn from None
        try:
            yield
        finally:
            self._release()

    async def _acquire(self, due: float) -> None:
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (due, next(self._order), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it had been given the permit already, which must not be lost
                self._release()
            turn.cancel()
            raise

    def _release(self) -> None:
        while self._waiting:
            _, _, turn = heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
