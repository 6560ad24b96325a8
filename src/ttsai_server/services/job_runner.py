"""A job being done: the run that a request would have, its outcome kept as a result, and the job's end."""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast

from ttsai_server.domain import Caller
from ttsai_server.errors import ApiError, DiskFull, InternalError, ModelCrashed, ModelLoading, StoreFull
from ttsai_server.services import job_completion
from ttsai_server.services.crash_isolation import CrashIsolation
from ttsai_server.services.flow import Flow, Outcome, Run
from ttsai_server.services.job_files import JobFiles, segments_to_json
from ttsai_server.store import jobs
from ttsai_server.store.db import Database, DatabaseUnavailable
from ttsai_server.store.jobs import Job
from ttsai_server.tracing import Span, Tracer

logger = logging.getLogger(__name__)

REPORT_SECONDS = 1.0
"""How often a job's progress is kept, and it is asked whether the job is still wanted."""
PATIENCE_SECONDS = 3600.0
"""How long a job waits for a model that is busy or being loaded."""


class NotWanted(Exception):
    """The job has been ended by somebody else, as its client."""


class JobRunner:
    def __init__(self, database: Database, files: JobFiles, flow: Flow, attempts: int, tracer: Tracer) -> None:
        """flow: charges nobody, since a job is paid at its end. attempts: how many a job has before it fails."""
        self._tracer = tracer
        self._database = database
        self._files = files
        self._flow = flow
        self._attempts = attempts
        self._isolation = CrashIsolation()

    async def do(self, job: Job) -> None:
        """Do a job that a server has just claimed to its end, whatever that is.

        May be repeated, and may run on two servers at once: it ends once. Cancelled, it leaves the job to a repeat.
        Raises DatabaseUnavailable; then too the job is to be repeated.
        """
        attributes = {"ttsai.job": job.id, "ttsai.model": job.model, "ttsai.attempt": job.attempts}
        with self._tracer.begin(f"job {job.kind}", "consumer", attributes, job.trace or "") as span:
            await self._see_through(job, span)

    async def _see_through(self, job: Job, span: Span) -> None:
        try:
            if job.attempts > self._attempts:
                raise InternalError(f"The work broke off {self._attempts} times.")
            await self._patiently(job)
        except NotWanted:
            pass
        except DatabaseUnavailable:
            raise
        except ApiError as error:
            span.fail(error.message)
            await self._database.write(job_completion.fail, job.id, error)
        except Exception as error:
            span.fail(f"{type(error).__name__}: {error}")
            logger.exception("task %s failed", job.id)
            bug = InternalError(f"Something went wrong on the server. Job id: {job.id}")
            reported = DiskFull() if DiskFull.is_cause(error) else bug
            await self._database.write(job_completion.fail, job.id, reported)

    async def _patiently(self, job: Job) -> None:
        """Repeat the work while the model is loading, busy or crashed, for which a request would be answered 503.

        After a crash, which any job of the model may have caused, the job runs alone, and further crashes count as
        attempts. Requests are not kept out: one that crashes the model at that moment is counted against the job.
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
            except (StoreFull, DiskFull):
                raise  # to repeat the work would take as much room again
            except ModelLoading as error:
                if time.monotonic() > until:
                    raise
                wait = error.retry_after
            await self._report(job.id, 0.0)
            await asyncio.sleep(wait)

    async def _count_crash(self, job: Job) -> None:
        """Raises InternalError if the job's attempts are used up by it, NotWanted if the job has ended."""
        again = await self._database.write(jobs.count_attempt, job.id)
        if again is None:
            raise NotWanted
        logger.warning("task %s has crashed %s, attempt %d", job.id, job.model, again.attempts - 1)
        if again.attempts > self._attempts:
            raise InternalError(f"The model crashed at this task, and the work broke off {self._attempts} times.")

    async def _carry_out(self, job: Job) -> None:
        caller, order = Caller(job.account, job.plan, job.key), self._flow.order(job.kind, job.spec)
        with TemporaryFile() as file:
            upload = cast(BinaryIO, file)
            if order.takes_upload:
                await self._files.read_upload(job.id, upload)
            with await self._flow.start(caller, order, upload) as run:
                await self._follow(job, run)
                await self._complete(job, await run.outcome(), run.warnings)

    async def _follow(self, job: Job, run: Run[Any, Any]) -> None:
        reported = time.monotonic()
        async with aclosing(run.steps()) as steps:
            async for _ in steps:
                if time.monotonic() - reported > REPORT_SECONDS:
                    reported = time.monotonic()
                    await self._report(job.id, run.progress)

    async def _report(self, job: str, progress: float) -> None:
        """Raises NotWanted."""
        if not await self._database.write(jobs.set_progress, job, min(progress, 0.99)):
            raise NotWanted

    async def _complete(self, job: Job, outcome: Outcome, warnings: Sequence[str]) -> None:
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
            beside=outcome.beside,
            warnings=warnings,
        )
        await self._files.keep_result(job, outcome, complete)
        self._flow.context.metrics.credits.labels(job.model).inc(job.credits)
