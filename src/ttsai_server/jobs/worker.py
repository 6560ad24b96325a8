"""DBOS, started and stopped with the server."""

import asyncio
import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from ttsai_server.jobs.nodes import Nodes
from ttsai_server.jobs.pace import Pace
from ttsai_server.jobs.queue import APPLICATION, VERSION, DbosQueue
from ttsai_server.jobs.workflows import Workflows
from ttsai_server.services.job_runner import JobRunner
from ttsai_server.services.webhooks import Webhooks
from ttsai_server.settings import Settings
from ttsai_server.store.db import Database, blocking_engine

if TYPE_CHECKING:
    from dbos import DBOSConfig

NEVER = 3600.0
"""Seconds between looks for schedules, of which there are none."""


class Worker:
    def __init__(
        self, settings: Settings, database: Database, queue: DbosQueue, node: str, work: JobRunner, webhooks: Webhooks
    ) -> None:
        self._settings = settings
        self._engine: Engine | None = None
        self._queue = queue
        self._node = node
        self._work = work
        self._webhooks = webhooks
        self._nodes = Nodes(database, queue, node, settings.jobs.dead_seconds)
        self._pace = Pace(database, queue, settings.jobs)
        self._watching: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Make DBOS's tables; then, if this server does jobs, take up those that it left and look for more.

        Raises RuntimeError if another server in this process does jobs: DBOS is one to a process.
        """
        workflows = Workflows(asyncio.get_running_loop(), self._work, self._webhooks)
        await asyncio.to_thread(self._start, workflows)
        if self._settings.jobs.run:
            self._watching = [asyncio.create_task(each) for each in (self._nodes.watch(), self._pace.keep())]

    async def stop(self) -> None:
        """What is being done is broken off; the next start does it again."""
        if self._watching:
            for watching in self._watching:
                watching.cancel()
                with suppress(asyncio.CancelledError):
                    await watching
            await asyncio.to_thread(_destroy)
            await self._work.close()
        if self._engine:
            self._engine.dispose()

    def _start(self, workflows: Workflows) -> None:
        """Not on the event loop: DBOS would run its workflows on that, and give it thread pools of its own."""
        from dbos import DBOS

        self._engine = engine = blocking_engine(self._settings)
        DBOS.migrate(engine.url.render_as_string(hide_password=False))
        self._queue.open(engine)
        if self._settings.jobs.run:
            _refuse_a_second()
            self._queue.register(self._settings.jobs)  # first: a queue that is made later is found a second later
            DBOS(config=self._config(engine))
            _log_with_the_rest()
            workflows.register()
            DBOS.launch()

    def _config(self, engine: Engine) -> "DBOSConfig":
        return {
            "name": APPLICATION,
            "system_database_engine": engine,
            "executor_id": self._node,
            "application_version": VERSION,
            "enable_otlp": False,
            "log_level": "WARNING",
            "scheduler_polling_interval_sec": NEVER,
        }


def _log_with_the_rest() -> None:
    """DBOS has written to the console by a handler of its own since it was made."""
    log = logging.getLogger("dbos")
    for handler in list(log.handlers):
        log.removeHandler(handler)
    log.propagate = True


def _refuse_a_second() -> None:
    from dbos import _dbos

    if _dbos._dbos_global_instance is not None:
        raise RuntimeError("Another server in this process does jobs; set jobs.run to false for this one.")


def _destroy() -> None:
    """Without its warnings that what is being done is broken off."""
    from dbos import DBOS, _dbos

    logging.getLogger("dbos").setLevel(logging.ERROR)
    # DBOS closes its loop before it waits for those who look for jobs, and they would claim jobs for a closed loop
    for stop in _dbos._get_dbos_instance().background_thread_stop_events:
        stop.set()
    for thread in threading.enumerate():
        if thread.name.startswith("queue-worker-"):
            thread.join()
    DBOS.destroy(destroy_registry=True)
