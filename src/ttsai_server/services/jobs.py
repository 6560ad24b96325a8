"""Jobs: orders that are accepted now and done later.

    Order ──check──▶ price ──one transaction: reserve, keep, enqueue──▶ Job ──`work`──▶ result, settled, told

`Jobs` accepts them, tells of them and cancels them; `work.Work` does them, whenever the queue says so.
"""

import asyncio
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from typing import BinaryIO

from sqlalchemy import Connection

from ttsai_server.domain import Caller, Segment
from ttsai_server.errors import ApiError, BadRequest, InsufficientCredits, InternalError, NotFound
from ttsai_server.services import job_completion, speech, tools, transcription
from ttsai_server.services.job_runner import JobRunner, input_of, segments_from
from ttsai_server.services.parts import parts
from ttsai_server.services.speech import Speech
from ttsai_server.services.speech_run import SpeechPlan
from ttsai_server.services.tools import Processing, Tools, keep_stems
from ttsai_server.services.transcription import Transcription
from ttsai_server.services.webhooks import Webhooks
from ttsai_server.settings import Settings
from ttsai_server.store import jobs, ledger
from ttsai_server.store.db import Database
from ttsai_server.store.jobs import COMPLETED, FAILED, Batch, Job
from ttsai_server.store.results import Results, new_id


class Queue(ABC):
    """What makes sure that every task is done, whatever dies."""

    @abstractmethod
    def enqueue(self, connection: Connection, job: Job) -> None:
        """In the transaction that keeps the task: `JobRunner.do` is called with its id, some time, by some server."""

    @abstractmethod
    async def forget(self, before: float) -> None:
        """Drop what the queue remembers of tasks, and of their webhooks, that were over before a Unix time."""


@dataclass(frozen=True, slots=True)
class JobOptions:
    """How a job is asked for, beside what is to be done."""

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


class Jobs:
    def __init__(
        self,
        settings: Settings,
        database: Database,
        queue: Queue,
        work: JobRunner,
        results: Results,
        speech: Speech,
        transcription: Transcription,
        tools: Tools,
        webhooks: Webhooks,
    ) -> None:
        self._billed = settings.auth.enabled
        self._seconds = settings.jobs.hours * 3600
        self._kept_seconds = settings.results.hours * 3600
        self._database = database
        self._queue = queue
        self._work = work
        self._results = results
        self._speech = speech
        self._transcription = transcription
        self._tools = tools
        self._webhooks = webhooks

    async def say(self, caller: Caller, order: speech.Order, how: JobOptions) -> AcceptedJobs:
        """Raises what `Speech.check` raises, BadRequest (webhook_url), StoreFull or InsufficientCredits."""
        await self._admit(how)
        plan = await asyncio.to_thread(self._speech.check, caller, order)
        job = replace(_spoken(caller, order, plan, how), webhook_url=how.webhook_url)
        return replace(await self._accept([job]), warnings=plan.warnings)

    async def listen(
        self, caller: Caller, order: transcription.Order, file: BinaryIO, name: str, how: JobOptions
    ) -> AcceptedJobs:
        """The file is read, priced and kept. Raises as `say`, and BadRequest or FileTooLarge for the file."""
        await self._admit(how)
        plan = self._transcription.check(order)
        credits = await self._transcription.listen(caller, plan, file).price()
        job = _job(caller, "stt", plan.card.id, asdict(order), "transcript.json", how)
        return await self._take_in(replace(job, credits=credits, webhook_url=how.webhook_url), file, name)

    async def process(
        self, caller: Caller, order: tools.Order, file: BinaryIO, name: str, how: JobOptions
    ) -> AcceptedJobs:
        """As `listen`."""
        await self._admit(how)
        plan = self._tools.check(order)
        credits = await self._tools.process(caller, plan, file).price()
        job = _job(caller, plan.kind, plan.model, asdict(order), plan.result_name, how)
        return await self._take_in(replace(job, credits=credits, webhook_url=how.webhook_url), file, name)

    async def keep_stems(self, caller: Caller, order: tools.Order, processing: Processing, how: JobOptions) -> bytes:
        """Keep what a request has waited for as if it had been a task, so that its id can be asked for; its result."""
        plan, now = processing.plan, time.time()
        job = replace(
            _job(caller, plan.kind, plan.model, asdict(order), plan.result_name, how),
            credits=processing.hold.credits,
            state=COMPLETED,
            progress=1.0,
            seconds=processing.seconds,
            started_at=now,
            ended_at=now,
        )
        body = await keep_stems(self._results, job, processing)
        await self._results.put(
            job.id,
            parts(BytesIO(body)),
            account=job.account,
            name=job.name,
            content_type="application/json",
            beside=lambda connection: jobs.keep(connection, [job]),
        )
        return body

    async def _take_in(self, job: Job, file: BinaryIO, name: str) -> AcceptedJobs:
        """Keep the file that it is about, then accept it."""
        await self._results.put(
            input_of(job.id),
            parts(file),
            account=job.account,
            name=name,
            content_type="application/octet-stream",
            ttl=self._seconds,
        )
        try:
            return await self._accept([job])
        except BaseException:
            await self._results.delete(input_of(job.id))
            raise

    async def say_all(
        self, caller: Caller, orders: Sequence[speech.Order | ApiError], how: JobOptions
    ) -> tuple[str, AcceptedJobs]:
        """A batch: → its id, and its tasks in their order; an order that can't be done is a task that has failed."""
        await self._admit(how)
        batch = new_id("batch")
        made = await asyncio.to_thread(self._all, caller, orders, how, batch)
        count = sum(not job.ended_at for job in made)
        if not count:
            raise BadRequest(f"No item can be done; the first: {made[0].error_message}", param="texts")
        row = Batch(batch, caller.account, how.webhook_url, how.base_url, count, time.time())
        return batch, await self._accept(made, row)

    async def get(self, id: str) -> Job:
        """Who knows the id may see it. Raises NotFound."""
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
        return segments_from(found)

    async def cancel(self, caller: Caller, id: str) -> Job:
        """End it now, if it has not ended; its credits return. Raises NotFound."""
        job = await self.own(caller, id)
        ended = await self._database.write(job_completion.cancel, job.id)
        self._work.stop(job.id)
        return ended or await self.own(caller, id)

    async def expire(self) -> None:
        """Fail what has not ended in its time, and forget what ended long ago."""
        now = time.time()
        for id in await self._database.read(jobs.late, now - self._seconds):
            await self._database.write(job_completion.fail, id, InternalError("The task did not end in its time."))
            self._work.stop(id)
        await self._database.write(jobs.purge, now - self._kept_seconds)
        await self._queue.forget(now - self._kept_seconds)

    async def _admit(self, how: JobOptions) -> None:
        if how.webhook_url is not None:
            self._webhooks.check(how.webhook_url)
        await self._results.check_room()

    def _all(self, caller: Caller, orders: Sequence[speech.Order | ApiError], how: JobOptions, batch: str) -> list[Job]:
        return [
            replace(self._spoken_or_failed(caller, order, how), batch=batch, number=number)
            for number, order in enumerate(orders)
        ]

    def _spoken_or_failed(self, caller: Caller, order: speech.Order | ApiError, how: JobOptions) -> Job:
        try:
            if isinstance(order, ApiError):
                raise order
            return _spoken(caller, order, self._speech.check(caller, order), how)
        except ApiError as error:
            job = _job(caller, "tts", "", {}, "speech.mp3", how)
            told = replace(job, error_code=error.code, error_message=error.message)
            return replace(told, state=FAILED, ended_at=job.created_at)

    async def _accept(self, new: Sequence[Job], batch: Batch | None = None) -> AcceptedJobs:
        return await self._database.write(self._enter, new, batch)

    def _enter(self, connection: Connection, new: Sequence[Job], batch: Batch | None) -> AcceptedJobs:
        """The one transaction {reserve, keep, enqueue}."""
        if batch:
            jobs.open_batch(connection, batch)
        paid, remaining = self._reserve(connection, new)
        added = iter(jobs.add_all(connection, [job for job in paid if not job.ended_at]))
        jobs.keep(connection, [job for job in paid if job.ended_at])
        entered = tuple(job if job.ended_at else next(added) for job in paid)
        for job in entered:
            if not job.ended_at:
                self._queue.enqueue(connection, job)
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
                held = ledger.reserve(connection, job.account, job.credits, until)
            except InsufficientCredits as error:
                taken = sum(job.credits for job in paid)
                raise InsufficientCredits(sum(job.credits for job in new), error.available + taken) from None
            remaining = held.available
            paid.append(replace(job, reservation=held.id))
        return paid, remaining


def _spoken(caller: Caller, order: speech.Order, plan: SpeechPlan, how: JobOptions) -> Job:
    job = _job(caller, "tts", plan.card.id, asdict(order), f"speech.{plan.format}", how)
    return replace(job, credits=plan.credits)


def full_id(id: str) -> str:
    """The contract has a task's id with and without `task_`."""
    return id if id.startswith("task_") else f"task_{id}"


def _job(caller: Caller, kind: str, model: str, spec: dict[str, object], name: str, how: JobOptions) -> Job:
    return Job(
        id=new_id("task"),
        account=caller.account,
        plan=caller.plan,
        kind=kind,
        model=model,
        spec=json.dumps(spec),
        name=name,
        base_url=how.base_url,
        created_at=time.time(),
    )
