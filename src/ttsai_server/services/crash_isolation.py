"""Which of the jobs that ran together has crashed their model."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager


class CrashIsolation:
    """Turns at the models of this server, for its jobs.

    Jobs run together until the model crashes. Then each that ran is a suspect and runs alone, before any other: if the
    model crashes again, it is known by which job.
    """

    def __init__(self) -> None:
        self._turns = defaultdict[str, _Turns](_Turns)

    @asynccontextmanager
    async def together(self, model: str) -> AsyncGenerator[None]:
        """With others of the model beside it, once no suspect runs or waits."""
        turns = self._turns[model]
        await turns.wait_for(lambda: not turns.suspects)
        turns.together += 1
        try:
            yield
        finally:
            turns.together -= 1
            turns.notify()

    @asynccontextmanager
    async def alone(self, model: str) -> AsyncGenerator[None]:
        """With no other job of the model beside it."""
        turns = self._turns[model]
        turns.suspects += 1
        try:
            await turns.wait_for(lambda: not turns.together and not turns.alone)
            turns.alone = True
            try:
                yield
            finally:
                turns.alone = False
        finally:
            turns.suspects -= 1
            turns.notify()


class _Turns:
    """Of one model."""

    def __init__(self) -> None:
        self.together = 0
        """Jobs that run side by side."""
        self.alone = False
        """Whether a suspect runs."""
        self.suspects = 0
        """Suspects that run or wait."""
        self._changed = asyncio.Event()

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await self._changed.wait()

    def notify(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
