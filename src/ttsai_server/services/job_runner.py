"""A job being done: the run that a request would have, its outcome kept as a result, and the job's end."""

import asyncio
import logging
import time
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast

from ttsai_server.domain import Caller
from ttsai_server.errors import ApiError, DiskFull, InternalError, ModelCrashed, ModelLoading
from ttsai_server.services import job_completion
from ttsai_server.services.crash_isolation import CrashIsolation
from ttsai_server.services.flow import Flow, Outcome, Run
from ttsai_server.services.job_files import JobFiles, segments_to_json
from ttsai_server.store import jobs
from ttsai_server.store.db import Database
from ttsai_server.store.jobs import Job

logger = logging.getLogger(__name__)

REPORT_SECONDS = 1.0
"""How often a job's progress is kept, and it is asked whether the job is still wanted."""
PATIENCE_SECONDS = 3600.0
"""How long a job waits for a model that is busy or being loaded."""


class NotWanted(Exception):
    """The job has been ended by somebody else, as its client."""


class JobRunner:
    def __init__(self, database: Database, files: JobFiles, flow: Flow, node: str, attempts: int) -> None:
        """flow: charges nobody, since a job is paid at its end. node: the name of this server."""
        self._database = database
        self._files = files
        self._flow = flow
        self._node = node
        self._attempts = attempts
        self._isolation = CrashIsolation()
        self._running: dict[str, asyncio.Task[None]] = {}

    async def do(self, id: str) -> str | None:
        """Do a job to its end, whatever that is; nothing if it has ended. → the delivery that tells of it, if any.

        May be repeated, and may run on two servers at once: it ends once. Cancelled, it leaves the job to a repeat.
        """
        job = await self._database.write(jobs.begin, id, self._node)
        if job:
            await self._do(job)
        ended = await self._database.read(jobs.get, id)
        if ended and self._flow.takes_upload(ended.kind):
            await self._files.delete_upload(id)
        return ended.delivery if ended else None

    def stop(self, id: str) -> None:
        """Interrupt a task that has been ended, if this server is doing it."""
        if id in self._running:
            self._running[id].cancel()

    async def close(self) -> None:
        """Break off what is being done."""
        for work in self._running.values():
            work.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _do(self, job: Job) -> None:
        work = self._running[job.id] = asyncio.create_task(self._finish(job))
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.wait([work])
            raise
        finally:
            del self._running[job.id]
        if not work.cancelled():  # else by `stop`
            work.result()

    async def _finish(self, job: Job) -> None:
        try:
            if job.attempts > self._attempts:
                raise InternalError(f"The work broke off {self._attempts} times.")
            await self._patiently(job)
        except NotWanted:
            pass
        except ApiError as error:
            await self._database.write(job_completion.fail, job.id, error)
        except Exception as error:
            logger.exception("task %s failed", job.id)
            bug = InternalError(f"Something went wrong on the server. Job id: {job.id}")
            told = DiskFull() if DiskFull.is_cause(error) else bug
            await self._database.write(job_completion.fail, job.id, told)

    async def _patiently(self, job: Job) -> None:
        """A request would be told to come again; a job does so by itself.

        A crash that other jobs may have caused counts for nothing; one that happened while no other ran, as an attempt.
        """
        until, suspect = time.monotonic() + PATIENCE_SECONDS, False
        while True:
            turn = self._isolation.alone if suspect else self._isolation.together
            try:
                async with turn(job.model):
                    return await self._carry_out(job)
            except ModelCrashed as error:
                if suspect:
                    await self._count_crash(job)
                suspect, wait = True, error.retry_after
            except ModelLoading as error:
                if time.monotonic() > until:
                    raise
                wait = error.retry_after
            await self._report(job.id, 0.0)
            await asyncio.sleep(wait)

    async def _count_crash(self, job: Job) -> None:
        """Raises InternalError if the job's attempts are used up by it, NotWanted if the job has ended."""
        again = await self._database.write(jobs.begin, job.id, self._node)
        if again is None:
            raise NotWanted
        logger.warning("task %s has crashed %s, attempt %d", job.id, job.model, again.attempts - 1)
        if again.attempts > self._attempts:
            raise InternalError(f"The model crashed at this task, and the work broke off {self._attempts} times.")

    async def _carry_out(self, job: Job) -> None:
        caller, order = Caller(job.account, job.plan, key=""), self._flow.order(job.kind, job.spec)
        with TemporaryFile() as file:
            upload = cast(BinaryIO, file)
            if order.takes_upload:
                await self._files.read_upload(job.id, upload)
            with await self._flow.start(caller, order, upload) as run:
                await self._follow(job, run)
                await self._complete(job, await run.outcome())

    async def _follow(self, job: Job, run: Run[Any, Any]) -> None:
        reported = time.monotonic()
        async with aclosing(run.steps()) as steps:
            async for _ in steps:
                if time.monotonic() - reported > REPORT_SECONDS:
                    reported = time.monotonic()
                    await self._report(job.id, run.progress)

    async def _report(self, job: str, progress: float) -> None:
        """Raises NotWanted."""
        if not await self._database.write(jobs.reach, job, min(progress, 0.99)):
            raise NotWanted

    async def _complete(self, job: Job, outcome: Outcome) -> None:
        """The one transaction {result, completed, charged, events recorded}."""
        segments = None if outcome.segments is None else segments_to_json(outcome.segments)
        used = replace(outcome.used, model=job.model, credits=job.credits)
        complete = partial(
            job_completion.complete,
            job=job.id,
            used=used,
            language=outcome.language,
            segments=segments,
            text=outcome.text,
        )
        await self._files.keep_result(job, outcome, complete)
        self._flow.context.metrics.credits.labels(job.model).inc(job.credits)
