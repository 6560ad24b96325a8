"""How often jobs are looked for: seldom while there are none."""

import asyncio
import logging
import time

from ttsai_server.jobs.queue import DbosQueue
from ttsai_server.settings import Jobs
from ttsai_server.store import jobs
from ttsai_server.store.db import Database

logger = logging.getLogger(__name__)

SECONDS = 1.0
"""Between two looks at whether there are jobs, which are cheaper than a look for them."""
QUIET_SECONDS = 10.0


class Pace:
    """Of all servers on the database: those that do jobs all come to the same."""

    def __init__(self, database: Database, queue: DbosQueue, jobs: Jobs) -> None:
        self._database = database
        self._queue = queue
        self._often = jobs.poll_seconds
        self._seldom = max(jobs.poll_seconds, jobs.idle_poll_seconds)

    async def keep(self) -> None:
        """Until cancelled."""
        while True:
            try:
                busy = await self._database.read(jobs.busy, time.time() - QUIET_SECONDS)
                await self._queue.look_every(self._often if busy else self._seldom)
            except Exception:
                logger.exception("could not tell how often to look for jobs; trying again")
            await asyncio.sleep(SECONDS)
