"""Processes the rows of one table: claims them while there is capacity, and renews their leases during the work."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from functools import partial
from typing import Generic, Protocol, TypeVar

from sqlalchemy import Connection

from ttsai_server.store.db import Database, DatabaseUnavailable
from ttsai_server.store.leases import Holder, Leases

logger = logging.getLogger(__name__)

RENEWALS = 5
"""How often a lease is renewed in the time that it lasts."""
RETRY_SECONDS = 1.0
"""Seconds between polls while the database does not answer."""
STOP_SECONDS = 5.0
"""How long a stop waits for a database that does not answer."""


class Row(Protocol):
    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=Row)


class ClaimLoop(Generic[R]):
    """Claims rows, works on them and renews their leases, in one process; see `store.leases`.

    Each poll reads the current state from the database and relies on no earlier poll, so later polls repair whatever a
    failed one left behind.
    """

    def __init__(
        self,
        database: Database,
        leases: Leases,
        holder: Holder,
        claim: Callable[[Connection, Holder, Collection[R], float], list[R]],
        work: Callable[[R], Awaitable[None]],
        busy_seconds: float,
        idle_seconds: float,
    ) -> None:
        """Create a loop; `start` starts it.

        Args:
            claim: leases rows; gets the rows that this process works on already, and the Unix time.
            work: processes one row; if it raises, the row is handed back at the next renewal, and processed again.
            busy_seconds: between two polls while this process has rows.
            idle_seconds: between two polls while it has none.
        """
        self._database = database
        self._leases = leases
        self._holder = holder
        self._claim = claim
        self._work = work
        self._busy_seconds = busy_seconds
        self._idle_seconds = idle_seconds
        self._running: dict[str, tuple[R, asyncio.Task[None]]] = {}
        self._awake = asyncio.Event()
        self._renew_at = 0.0
        self._looking: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Free the rows that earlier processes of this node left, then poll until `stop`."""
        await self._database.write(self._leases.release, self._holder.node)
        self._looking = asyncio.create_task(self._look_on())

    def wake(self) -> None:
        """Poll now: there are new rows."""
        self._awake.set()

    def cancel(self, id: str) -> None:
        """Cancel the work on a row, if this process does it."""
        if id in self._running:
            self._running[id][1].cancel()

    async def stop(self) -> None:
        """Cancel all work and free its rows, for other processes or the next start."""
        if not self._looking:
            return
        self._stopping = True
        self.wake()
        await asyncio.wait([self._looking], timeout=STOP_SECONDS)
        self._looking.cancel()
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(self._looking, *tasks, return_exceptions=True)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._database.write(self._leases.hand_back, self._holder)
        except Exception:
            logger.warning("could not hand back what was not done; the next start takes it up", exc_info=True)

    async def _look_on(self) -> None:
        while not self._stopping:
            self._awake.clear()
            pause = await self._look_safely()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._awake.wait(), pause)

    async def _look_safely(self) -> float:
        """Poll; errors are logged. → seconds until the next poll, unless `wake` is called before."""
        try:
            async with asyncio.timeout(self._holder.seconds):
                await self._look()
        except (DatabaseUnavailable, TimeoutError) as error:
            logger.warning("could not look for %s, trying again: %s", self._leases.table.name, error or "no answer")
            return RETRY_SECONDS
        except Exception:
            logger.exception("could not look for %s; trying again", self._leases.table.name)
            return RETRY_SECONDS
        return self._busy_seconds if self._running else self._idle_seconds

    async def _look(self) -> None:
        if time.monotonic() >= self._renew_at:
            await self._renew()
            self._renew_at = time.monotonic() + self._holder.seconds / RENEWALS
        running = [row for row, _ in self._running.values()]
        for row in await self._database.write(self._claim, self._holder, running, time.time()):
            task = asyncio.create_task(self._see_through(row))
            self._running[row.id] = row, task
            task.add_done_callback(partial(self._ended, row.id))  # no finally: cancelled early, it never starts

    async def _renew(self) -> None:
        running = list(self._running)
        held = await self._database.write(self._leases.renew, self._holder, running, time.time())
        for id in running:
            if id not in held:
                self.cancel(id)

    async def _see_through(self, row: R) -> None:
        try:
            await self._work(row)
        except DatabaseUnavailable as error:
            logger.warning("%s broke off and will be repeated: %s", row.id, error)
        except Exception:
            logger.exception("%s broke off and will be repeated", row.id)

    def _ended(self, id: str, _: asyncio.Task[None]) -> None:
        del self._running[id]
        self.wake()
