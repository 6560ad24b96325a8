"""Whose step of work runs next: earliest deadline first.

A step is due when the sound already made for its listener runs out, so a new request (due at once) goes before one
whose listener has seconds in hand, all streams that play get the same share, and one that waits is never overtaken for
ever: its deadline stands still while the others' move on (Liu and Layland, "Scheduling Algorithms for Multiprogramming
in a Hard-Real-Time Environment", 1973).
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from heapq import heappop, heappush
from itertools import count


class NoTurn(Exception):
    """A step waited longer than it would."""


class DeadlineSemaphore:
    """A semaphore whose waiters are served by deadline, not by arrival."""

    def __init__(self, permits: int) -> None:
        self._free = permits
        self._order = count()
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []

    @property
    def waiting(self) -> int:
        """How many steps wait for a permit."""
        return sum(not turn.done() for _, _, turn in self._waiting)

    @asynccontextmanager
    async def turn(self, due: float, patience: float | None = None) -> AsyncGenerator[None]:
        """Hold a permit; `due` in seconds of the loop's clock. Raises NoTurn after `patience` seconds of waiting."""
        try:
            async with asyncio.timeout(patience):
                await self._acquire(due)
        except TimeoutError:
            raise NoTurn from None
        try:
            yield
        finally:
            self._pass_on()

    async def _acquire(self, due: float) -> None:
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (due, next(self._order), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the permit had come already: it must not be lost
                self._pass_on()
            turn.cancel()
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            _, _, turn = heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
