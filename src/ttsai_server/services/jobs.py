"""Jobs: orders that are accepted now and done later.

    Order ──plan──▶ credits ──one transaction: reserve, keep──▶ Job ──`JobRunner`──▶ result, charge, webhook

`Jobs` accepts them, looks them up and cancels them; `job_runner.JobRunner` does them, once a server has claimed them.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, BinaryIO

from sqlalchemy import Connection

from ttsai_server.domain import Caller, Capability, Segment, SpokenWord
from ttsai_server.errors import ApiError, BadRequest, InsufficientCredits, InternalError, NotFound
from ttsai_server.services import job_completion
from ttsai_server.services.flow import Flow, Order, Outcome, OutputFile, Plan, Run
from ttsai_server.services.job_files import JobFiles, segments_from_json
from ttsai_server.services.speech import SpeechOrder
from ttsai_server.services.webhooks import Webhooks
from ttsai_server.services.word_times import TimeSource
from ttsai_server.settings import Settings
from ttsai_server.store import jobs, ledger
from ttsai_server.store.db import Database, DatabaseUnavailable
from ttsai_server.store.jobs import COMPLETED, FAILED, Batch, Job
from ttsai_server.store.results import new_id
from ttsai_server.tracing import traceparent


class Queue(ABC):
    """The servers that do jobs, as one that accepts them sees them: each row that has not ended is claimed by one."""

    @abstractmethod
    def wake(self) -> None:
        """Jobs have been accepted: look for them now."""

    @abstractmethod
    def stop(self, id: str) -> None:
        """Break off the work on a job that has been ended, if this server is at it."""


@dataclass(frozen=True, slots=True)
class JobOptions:
    """What a client says of a job beside the order."""

    base_url: str
    """The address that the client knows the server by."""
    webhook_url: str | None = None


@dataclass(frozen=True, slots=True)
class AcceptedJobs:
    jobs: tuple[Job, ...]
    remaining: int | None
    """Credits that the account can still spend; None where nobody pays."""
    warnings: tuple[str, ...] = ()
    """Of its one order; none of a batch's."""


@dataclass(frozen=True, slots=True)
class Upload:
    """The file that an order comes with."""

    file: BinaryIO
    name: str
    """As the client calls it."""


class Jobs:
    def __init__(
        self,
        settings: Settings,
        database: Database,
        queue: Queue,
        files: JobFiles,
        flow: Flow,
        webhooks: Webhooks,
    ) -> None:
        self._billed = settings.auth.enabled
        self._seconds = settings.jobs.hours * 3600
        self._kept_seconds = settings.results.hours * 3600
        self._database = database
        self._queue = queue
        self._files = files
        self._flow = flow
        self._webhooks = webhooks

    async def submit(
        self, caller: Caller, order: Order[Any], options: JobOptions, upload: Upload | None = None
    ) -> AcceptedJobs:
        """Check and price an order, keep its upload, and accept it as a job.

        Raises what its planner raises, BadRequest (webhook_url), StoreFull or InsufficientCredits, and BadRequest or
        FileTooLarge for the upload.
        """
        await self._admit(caller, options)
        plan = await self._flow.plan(caller, order)
        credits = await self._flow.run(caller, plan, upload.file if upload else None).credits()
        job = replace(_planned(caller, order, plan, options), credits=credits, webhook_url=options.webhook_url)
        accepted = await (self._accept_with(upload, job) if upload else self._accept([job]))
        return replace(accepted, warnings=plan.warnings)

    async def submit_batch(
        self, caller: Caller, kind: str, orders: Sequence[Order[Any] | ApiError], options: JobOptions
    ) -> tuple[str, AcceptedJobs]:
        """Accept orders of a kind, without uploads, as a batch. → its id, and its jobs in their order.

        An order that can't be carried out, or the error instead of one, is a job that has failed. Raises BadRequest if
        all are, and as `submit`.
        """
        await self._admit(caller, options)
        batch = new_id("batch")
        items = [await self._job_or_failed(caller, kind, order, options) for order in orders]
        numbered = [replace(job, batch=batch, number=number) for number, job in enumerate(items)]
        count = sum(not job.ended_at for job in numbered)
        if not count:
            raise BadRequest(f"No item can be done; the first: {numbered[0].error_message}", param="texts")
        row = Batch(batch, caller.account, options.webhook_url, options.base_url, count, time.time())
        return batch, await self._accept(numbered, row)

    async def keep(
        self, caller: Caller, order: Order[Any], run: Run[Any, Any], outcome: Outcome, options: JobOptions
    ) -> OutputFile:
        """Keep what a request has waited for as the result of a completed job, so that it can be looked up. → it."""
        now = time.time()
        job = replace(
            _planned(caller, order, run.plan, options),
            warnings=run.warnings or None,
            credits=outcome.used.credits,
            state=COMPLETED,
            progress=1.0,
            seconds=outcome.used.seconds,
            started_at=now,
            ended_at=now,
        )
        return await self._files.keep_result(job, outcome, partial(jobs.keep, new=[job]))

    async def get(self, id: str) -> Job:
        """A job of any account, since its id can't be guessed. Raises NotFound."""
        found = await self._database.read(jobs.get, full_id(id))
        if found is None:
            raise NotFound("There is no such task; it may have expired.")
        return found

    async def own(self, caller: Caller, id: str) -> Job:
        """Raises NotFound, also for another account's."""
        found = await self.get(id)
        if found.account != caller.account:
            raise NotFound("There is no such task; it may have expired.")
        return found

    async def recent(self, caller: Caller, limit: int, before: str | None = None) -> list[Job]:
        """The account's jobs, newest first, at most `limit`; with `before`, a job's id, only those older than it.

        Empty if `before` is not a job of this account.
        """
        id = None if before is None else full_id(before)
        return await self._database.read(jobs.of_account, caller.account, limit, id)

    async def of_batch(self, caller: Caller, batch: str) -> list[Job]:
        """Raises NotFound, also for another account's."""
        found = await self._database.read(jobs.of_batch, batch)
        if not found or found[0].account != caller.account:
            raise NotFound("There is no such batch; it may have expired.")
        return found

    async def segments(self, job: Job) -> list[Segment]:
        """What was said when. Raises NotFound while it has not completed."""
        found = await self._database.read(jobs.segments, job.id)
        if found is None:
            raise NotFound("The task has no subtitles: it has not completed, or nothing is said in it.")
        return segments_from_json(found)

    async def timestamps(self, job: Job) -> tuple[TimeSource, list[SpokenWord]] | None:
        """When its words are said, and the source of these times; None: not asked for, or not completed."""
        order = self._flow.order(job.kind, job.spec) if job.state == COMPLETED else None
        if not isinstance(order, SpeechOrder) or not order.timestamps:
            return None
        card = self._flow.context.catalog.resolve(job.model, Capability.TTS)
        words = [word for segment in await self.segments(job) for word in segment.words]
        spoken = [SpokenWord(word.text, *word.characters, word.start, word.end) for word in words if word.characters]
        return ("model" if card.timestamps else "aligned"), spoken

    async def cancel(self, caller: Caller, id: str) -> Job:
        """End it now, if it has not ended; its credits return. Raises NotFound."""
        job = await self.own(caller, id)
        ended = await self._database.write(job_completion.cancel, job.id)
        self._queue.stop(job.id)
        return ended or await self.own(caller, id)

    async def expire(self) -> None:
        """Fail what has not ended in its time, and forget what ended long ago."""
        now = time.time()
        for id in await self._database.read(jobs.overdue, now - self._seconds):
            await self._database.write(job_completion.fail, id, InternalError("The task did not end in its time."))
            self._queue.stop(id)
        await self._database.write(jobs.purge, now - self._kept_seconds)

    async def _admit(self, caller: Caller, options: JobOptions) -> None:
        if options.webhook_url is not None:
            self._webhooks.check(options.webhook_url)
        await self._files.check_room(caller.account)

    async def _job_or_failed(self, caller: Caller, kind: str, order: Order[Any] | ApiError, options: JobOptions) -> Job:
        """An item of a batch."""
        if isinstance(order, ApiError):
            return _failed(caller, kind, order, options)
        try:
            plan = await self._flow.plan(caller, order)
            credits = await self._flow.run(caller, plan).credits()
        except ApiError as error:
            return _failed(caller, kind, error, options)
        return replace(_planned(caller, order, plan, options), credits=credits)

    async def _accept_with(self, upload: Upload, job: Job) -> AcceptedJobs:
        """Keep the file that it comes with, then accept it."""
        await self._files.keep_upload(job, upload.file, upload.name)
        try:
            return await self._accept([job])
        except (asyncio.CancelledError, DatabaseUnavailable):
            raise  # the job may have been accepted nevertheless; if it was not, its file expires
        except BaseException:
            await self._files.delete_upload(job.id)
            raise

    async def _accept(self, new: Sequence[Job], batch: Batch | None = None) -> AcceptedJobs:
        accepted = await self._database.write(self._enter, new, batch)
        self._queue.wake()
        return accepted

    def _enter(self, connection: Connection, new: Sequence[Job], batch: Batch | None) -> AcceptedJobs:
        """The one transaction {reserve, keep}: a job that is kept is in its queue."""
        if batch:
            jobs.open_batch(connection, batch)
        paid, remaining = self._reserve(connection, new)
        added = iter(jobs.add_all(connection, [job for job in paid if not job.ended_at]))
        jobs.keep(connection, [job for job in paid if job.ended_at])
        entered = tuple(job if job.ended_at else next(added) for job in paid)
        return AcceptedJobs(entered, remaining)

    def _reserve(self, connection: Connection, new: Sequence[Job]) -> tuple[list[Job], int | None]:
        if not self._billed:
            return list(new), None
        paid, remaining, until = list[Job](), 0, time.time() + self._seconds
        for job in new:
            if job.ended_at:
                paid.append(job)
                continue
            try:
                held = ledger.reserve(connection, job.account, job.credits, until, key=job.key)
            except InsufficientCredits as error:
                taken = sum(job.credits for job in paid)
                raise InsufficientCredits(sum(job.credits for job in new), error.available + taken) from None
            remaining = held.available
            paid.append(replace(job, reservation=held.id))
        return paid, remaining


def full_id(id: str) -> str:
    """The contract has a task's id with and without `task_`."""
    return id if id.startswith("task_") else f"task_{id}"


def _planned(caller: Caller, order: Order[Any], plan: Plan, options: JobOptions) -> Job:
    job = _new(caller, order.kind, options)
    warnings = plan.warnings or None
    return replace(job, model=plan.model, spec=order.to_json(), name=plan.result_name, warnings=warnings)


def _failed(caller: Caller, kind: str, error: ApiError, options: JobOptions) -> Job:
    job = _new(caller, kind, options)
    return replace(job, state=FAILED, ended_at=job.created_at, error_code=error.code, error_message=error.message)


def _new(caller: Caller, kind: str, options: JobOptions) -> Job:
    return Job(
        id=new_id("task"),
        account=caller.account,
        plan=caller.plan,
        kind=kind,
        model="",
        spec="{}",
        name="",
        base_url=options.base_url,
        created_at=time.time(),
        key=caller.key,
        trace=traceparent() or None,
    )
