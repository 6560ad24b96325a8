"""The queue of tasks: DBOS's, in the same database and the same transactions as the ledger."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from ttsai_server.services.jobs import Queue
from ttsai_server.settings import Jobs
from ttsai_server.store.jobs import Job

if TYPE_CHECKING:
    from dbos import DBOSClient

APPLICATION = "ttsai-server"
VERSION = "1"
"""Of the workflows' shape: a server takes on only those of its own."""
QUEUE = "tasks"
TASK = "task"
"""The workflow that does a task."""
SWEEP = 500
"""Workflows forgotten in one transaction."""


class DbosQueue(Queue):
    """Opened once DBOS's tables are there."""

    def __init__(self) -> None:
        self._client: DBOSClient | None = None
        self._pace = 0.0
        """Seconds."""

    @property
    def client(self) -> "DBOSClient":
        assert self._client, "the server has started"
        return self._client

    def open(self, engine: Engine) -> None:
        from dbos import DBOSClient

        self._client = DBOSClient(system_database_engine=engine, application_name=APPLICATION, lazy=True)

    def register(self, jobs: Jobs) -> None:
        self.client.register_queue(
            QUEUE,
            partition_worker_concurrency=jobs.concurrent,
            polling_interval_sec=jobs.poll_seconds,
            on_conflict="always_update",
        )

    async def look_every(self, seconds: float) -> None:
        """Have all servers look for jobs that often. Once begun it is carried to its end, also if it is cancelled."""
        if seconds != self._pace:
            change = asyncio.create_task(asyncio.to_thread(self._look_every, seconds))
            try:
                await asyncio.shield(change)
            finally:
                await change  # who cancels is about to close the connections
            self._pace = seconds

    def _look_every(self, seconds: float) -> None:
        if queue := self.client.retrieve_queue(QUEUE):
            queue.set_polling_interval_sec(seconds)

    def enqueue(self, connection: Connection, job: Job) -> None:
        self.client.enqueue_in_transaction(
            connection,
            {
                "workflow_name": TASK,
                "workflow_id": job.id,
                "queue_name": QUEUE,
                "queue_partition_key": job.model,
                "priority": job.turn,
                "app_version": VERSION,
            },
            job.id,
        )

    async def forget(self, before: float) -> None:
        await asyncio.to_thread(self._forget, datetime.fromtimestamp(before, UTC).isoformat())

    def _forget(self, before: str) -> None:
        over = ["SUCCESS", "ERROR", "CANCELLED"]
        while old := self.client.list_workflows(
            status=over, completed_before=before, limit=SWEEP, load_input=False, load_output=False
        ):
            self.client.delete_workflows([workflow.workflow_id for workflow in old])
