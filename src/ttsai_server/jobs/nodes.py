"""Signs of life of this server, and taking over the jobs of those that give none."""

import asyncio
import logging
import time
from pathlib import Path
from secrets import token_hex

from ttsai_server.jobs.queue import DbosQueue
from ttsai_server.settings import Settings
from ttsai_server.store import nodes
from ttsai_server.store.db import Database

logger = logging.getLogger(__name__)

BEATS = 5
"""In the time after which a server is taken for dead."""
KEPT_SECONDS = 86_400.0
"""A server that has been dead for so long has left nothing to take over."""


def name_of(settings: Settings) -> str:
    """This server's name, the same at each start: DBOS takes up what the server of that name left."""
    if settings.jobs.node:
        return settings.jobs.node
    file = settings.data_dir / "node"
    if not file.exists():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        _write(file, f"node_{token_hex(8)}")
    return file.read_text().strip()


def _write(file: Path, name: str) -> None:
    """Whole or not at all: a name that broke off would leave its jobs to nobody."""
    whole = file.with_suffix(f".{token_hex(4)}")
    whole.write_text(name)
    whole.rename(file)


class Nodes:
    """See `store.nodes`."""

    def __init__(self, database: Database, queue: DbosQueue, node: str, dead_seconds: float) -> None:
        self._database = database
        self._queue = queue
        self._node = node
        self._dead_seconds = dead_seconds

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._look()
            except Exception:
                logger.exception("could not give a sign of life; trying again")
            await asyncio.sleep(self._dead_seconds / BEATS)

    async def _look(self) -> None:
        await self._database.write(nodes.beat, self._node)
        for dead in await self._database.write(nodes.take_over, self._node, self._dead_seconds):
            if count := await asyncio.to_thread(self._resume, dead):
                logger.warning("server %s gives no sign of life: took over %d of its jobs", dead, count)
        await self._database.write(nodes.forget, time.time() - KEPT_SECONDS)

    def _resume(self, dead: str) -> int:
        client = self._queue.client
        left = client.list_workflows(status="PENDING", executor_id=dead, load_input=False, load_output=False)
        if left:
            client.resume_workflows([workflow.workflow_id for workflow in left])
        return len(left)
