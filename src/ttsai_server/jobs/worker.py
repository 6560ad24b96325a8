"""Runs jobs and sends webhooks while the server runs."""

import asyncio
from collections.abc import Collection

from sqlalchemy import Connection

from ttsai_server.jobs.claim_loop import ClaimLoop
from ttsai_server.services.job_runner import JobRunner
from ttsai_server.services.jobs import Queue
from ttsai_server.services.webhooks import Webhooks
from ttsai_server.settings import Settings
from ttsai_server.store import delivery_claims, job_claims
from ttsai_server.store.db import Database
from ttsai_server.store.jobs import Job
from ttsai_server.store.leases import Holder
from ttsai_server.store.webhooks import Delivery


class Worker(Queue):
    """One claim loop for jobs and one for webhooks. Does nothing if `jobs.run` is off."""

    def __init__(
        self, settings: Settings, database: Database, node: str, runner: JobRunner, webhooks: Webhooks
    ) -> None:
        """node: the name of this server."""
        self._run = settings.jobs.run
        self._runner = runner
        self._webhooks = webhooks
        self._concurrent = settings.jobs.concurrent
        self._attempts = settings.webhooks
        holder = Holder.of(node, settings.jobs.dead_seconds)
        busy, idle = settings.jobs.poll_seconds, settings.jobs.idle_poll_seconds
        self._jobs = ClaimLoop(database, job_claims.LEASES, holder, self._claim_jobs, self._do, busy, idle)
        self._deliveries = ClaimLoop(
            database, delivery_claims.LEASES, holder, self._claim_deliveries, self._attempt, idle, idle
        )

    async def start(self) -> None:
        """Resume the work that this server left, and poll for more."""
        if self._run:
            await self._jobs.start()
            await self._deliveries.start()

    async def close(self) -> None:
        """Cancel the running jobs and attempts; another server or the next start repeats them."""
        await asyncio.gather(self._jobs.stop(), self._deliveries.stop())

    def wake(self) -> None:
        self._jobs.wake()

    def stop(self, id: str) -> None:
        self._jobs.cancel(id)

    def _claim_jobs(self, connection: Connection, holder: Holder, running: Collection[Job], now: float) -> list[Job]:
        return job_claims.claim(connection, holder, running, self._concurrent, now)

    def _claim_deliveries(
        self, connection: Connection, holder: Holder, running: Collection[Delivery], now: float
    ) -> list[Delivery]:
        most, most_each = self._attempts.concurrent, self._attempts.account_concurrent
        return delivery_claims.claim(connection, holder, running, most, most_each, now)

    async def _do(self, job: Job) -> None:
        await self._runner.do(job)
        if job.webhook_url or job.batch:
            self._deliveries.wake()

    async def _attempt(self, delivery: Delivery) -> None:
        await self._webhooks.attempt(delivery.id, len(delivery.attempts) + 1)
