"""Jobs: orders that are accepted now and done later.

    Order ──check──▶ price ──one transaction: reserve, keep, enqueue──▶ Task ──`work`──▶ result, settled, told

`Tasks` accepts them, tells of them and cancels them; `work.Work` does them, whenever the queue says so.
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
from ttsai_server.services import ending, speech, tools, transcription
from ttsai_server.services.parts import parts
from ttsai_server.services.speech import Speech
from ttsai_server.services.tools import Processing, Tools, keep_stems
from ttsai_server.services.transcription import Transcription
from ttsai_server.services.utterance import Script
from ttsai_server.services.webhooks import Webhooks
from ttsai_server.services.work import Work, input_of, segments_from
from ttsai_server.settings import Settings
from ttsai_server.store import ledger, tasks
from ttsai_server.store.db import Database
from ttsai_server.store.results import Results, new_id
from ttsai_server.store.tasks import COMPLETED, FAILED, Batch, Task


class Queue(ABC):
    """What makes sure that every task is done, whatever dies."""

    @abstractmethod
    def enqueue(self, connection: Connection, task: Task) -> None:
        """In the transaction that keeps the task: `Work.do` is called with its id, some time, by some server."""

    @abstractmethod
    async def forget(self, before: float) -> None:
        """Drop what the queue remembers of tasks, and of their webhooks, that were over before a Unix time."""


@dataclass(frozen=True, slots=True)
class Ordering:
    """How a job is asked for, beside what is to be done."""

    base_url: str
    """The address that the client knows the server by."""
    webhook_url: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    tasks: tuple[Task, ...]
    remaining: int | None
    """Credits that the account can still spend; None where nobody pays."""
    warnings: tuple[str, ...] = ()
    """Of its one order; none of a batch's."""


class Tasks:
    def __init__(
        self,
        settings: Settings,
        database: Database,
        queue: Queue,
        work: Work,
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

    async def say(self, caller: Caller, order: speech.Order, how: Ordering) -> Accepted:
        """Raises what `Speech.check` raises, BadRequest (webhook_url), StoreFull or InsufficientCredits."""
        await self._admit(how)
        script = await asyncio.to_thread(self._speech.check, caller, order)
        task = replace(_spoken(caller, order, script, how), webhook_url=how.webhook_url)
        return replace(await self._accept([task]), warnings=script.warnings)

    async def listen(
        self, caller: Caller, order: transcription.Order, file: BinaryIO, name: str, how: Ordering
    ) -> Accepted:
        """The file is read, priced and kept. Raises as `say`, and BadRequest or FileTooLarge for the file."""
        await self._admit(how)
        brief = self._transcription.check(order)
        credits = await self._transcription.listen(caller, brief, file).price()
        task = _task(caller, "stt", brief.card.id, asdict(order), "transcript.json", how)
        return await self._take_in(replace(task, credits=credits, webhook_url=how.webhook_url), file, name)

    async def process(self, caller: Caller, order: tools.Order, file: BinaryIO, name: str, how: Ordering) -> Accepted:
        """As `listen`."""
        await self._admit(how)
        plan = self._tools.check(order)
        credits = await self._tools.process(caller, plan, file).price()
        task = _task(caller, plan.kind, plan.model, asdict(order), plan.result_name, how)
        return await self._take_in(replace(task, credits=credits, webhook_url=how.webhook_url), file, name)

    async def keep_stems(self, caller: Caller, order: tools.Order, processing: Processing, how: Ordering) -> bytes:
        """Keep what a request has waited for as if it had been a task, so that its id can be asked for; its result."""
        plan, now = processing.plan, time.time()
        task = replace(
            _task(caller, plan.kind, plan.model, asdict(order), plan.result_name, how),
            credits=processing.hold.credits,
            state=COMPLETED,
            progress=1.0,
            seconds=processing.seconds,
            started_at=now,
            ended_at=now,
        )
        body = await keep_stems(self._results, task, processing)
        await self._results.put(
            task.id,
            parts(BytesIO(body)),
            account=task.account,
            name=task.name,
            content_type="application/json",
            beside=lambda connection: tasks.keep(connection, [task]),
        )
        return body

    async def _take_in(self, task: Task, file: BinaryIO, name: str) -> Accepted:
        """Keep the file that it is about, then accept it."""
        await self._results.put(
            input_of(task.id),
            parts(file),
            account=task.account,
            name=name,
            content_type="application/octet-stream",
            ttl=self._seconds,
        )
        try:
            return await self._accept([task])
        except BaseException:
            await self._results.delete(input_of(task.id))
            raise

    async def say_all(
        self, caller: Caller, orders: Sequence[speech.Order | ApiError], how: Ordering
    ) -> tuple[str, Accepted]:
        """A batch: → its id, and its tasks in their order; an order that can't be done is a task that has failed."""
        await self._admit(how)
        batch = new_id("batch")
        made = await asyncio.to_thread(self._all, caller, orders, how, batch)
        count = sum(not task.ended_at for task in made)
        if not count:
            raise BadRequest(f"No item can be done; the first: {made[0].error_message}", param="texts")
        row = Batch(batch, caller.account, how.webhook_url, how.base_url, count, time.time())
        return batch, await self._accept(made, row)

    async def get(self, id: str) -> Task:
        """Who knows the id may see it. Raises NotFound."""
        found = await self._database.read(tasks.get, full_id(id))
        if found is None:
            raise NotFound("There is no such task; it may have expired.")
        return found

    async def own(self, caller: Caller, id: str) -> Task:
        """Raises NotFound, also for another account's."""
        found = await self.get(id)
        if found.account != caller.account:
            raise NotFound("There is no such task; it may have expired.")
        return found

    async def of_batch(self, caller: Caller, batch: str) -> list[Task]:
        """Raises NotFound, also for another account's."""
        found = await self._database.read(tasks.of_batch, batch)
        if not found or found[0].account != caller.account:
            raise NotFound("There is no such batch; it may have expired.")
        return found

    async def segments(self, task: Task) -> list[Segment]:
        """What was said when. Raises NotFound while it has not completed."""
        found = await self._database.read(tasks.segments, task.id)
        if found is None:
            raise NotFound("The task has no subtitles: it has not completed, or nothing is said in it.")
        return segments_from(found)

    async def cancel(self, caller: Caller, id: str) -> Task:
        """End it now, if it has not ended; its credits return. Raises NotFound."""
        task = await self.own(caller, id)
        ended = await self._database.write(ending.cancel, task.id)
        self._work.stop(task.id)
        return ended or await self.own(caller, id)

    async def expire(self) -> None:
        """Fail what has not ended in its time, and forget what ended long ago."""
        now = time.time()
        for id in await self._database.read(tasks.late, now - self._seconds):
            await self._database.write(ending.fail, id, InternalError("The task did not end in its time."))
            self._work.stop(id)
        await self._database.write(tasks.purge, now - self._kept_seconds)
        await self._queue.forget(now - self._kept_seconds)

    async def _admit(self, how: Ordering) -> None:
        if how.webhook_url is not None:
            self._webhooks.check(how.webhook_url)
        await self._results.check_room()

    def _all(self, caller: Caller, orders: Sequence[speech.Order | ApiError], how: Ordering, batch: str) -> list[Task]:
        return [
            replace(self._spoken_or_failed(caller, order, how), batch=batch, number=number)
            for number, order in enumerate(orders)
        ]

    def _spoken_or_failed(self, caller: Caller, order: speech.Order | ApiError, how: Ordering) -> Task:
        try:
            if isinstance(order, ApiError):
                raise order
            return _spoken(caller, order, self._speech.check(caller, order), how)
        except ApiError as error:
            task = _task(caller, "tts", "", {}, "speech.mp3", how)
            told = replace(task, error_code=error.code, error_message=error.message)
            return replace(told, state=FAILED, ended_at=task.created_at)

    async def _accept(self, new: Sequence[Task], batch: Batch | None = None) -> Accepted:
        return await self._database.write(self._enter, new, batch)

    def _enter(self, connection: Connection, new: Sequence[Task], batch: Batch | None) -> Accepted:
        """The one transaction {reserve, keep, enqueue}."""
        if batch:
            tasks.open_batch(connection, batch)
        paid, remaining = self._reserve(connection, new)
        added = iter(tasks.add_all(connection, [task for task in paid if not task.ended_at]))
        tasks.keep(connection, [task for task in paid if task.ended_at])
        entered = tuple(task if task.ended_at else next(added) for task in paid)
        for task in entered:
            if not task.ended_at:
                self._queue.enqueue(connection, task)
        return Accepted(entered, remaining)

    def _reserve(self, connection: Connection, new: Sequence[Task]) -> tuple[list[Task], int | None]:
        if not self._billed:
            return list(new), None
        paid, remaining, until = list[Task](), 0, time.time() + self._seconds
        for task in new:
            if task.ended_at:
                paid.append(task)
                continue
            try:
                held = ledger.reserve(connection, task.account, task.credits, until)
            except InsufficientCredits as error:
                taken = sum(task.credits for task in paid)
                raise InsufficientCredits(sum(task.credits for task in new), error.available + taken) from None
            remaining = held.available
            paid.append(replace(task, reservation=held.id))
        return paid, remaining


def _spoken(caller: Caller, order: speech.Order, script: Script, how: Ordering) -> Task:
    task = _task(caller, "tts", script.card.id, asdict(order), f"speech.{script.format}", how)
    return replace(task, credits=script.credits)


def full_id(id: str) -> str:
    """The contract has a task's id with and without `task_`."""
    return id if id.startswith("task_") else f"task_{id}"


def _task(caller: Caller, kind: str, model: str, spec: dict[str, object], name: str, how: Ordering) -> Task:
    return Task(
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
