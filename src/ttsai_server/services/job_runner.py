"""A task being done: the same service that answers requests, its sound or text into the results store, and its end."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, replace
from functools import partial
from io import BytesIO
from tempfile import TemporaryFile
from typing import Any, BinaryIO, TypeVar, cast

from ttsai_server.domain import Caller, PartialTranscript, Segment, Word
from ttsai_server.errors import ApiError, DiskFull, InternalError, ModelLoading
from ttsai_server.services import job_completion, speech, tools, transcription
from ttsai_server.services.job_completion import JobOutcome
from ttsai_server.services.parts import parts
from ttsai_server.services.result_json import published_transcript
from ttsai_server.services.speech import Speech
from ttsai_server.services.tools import ORDERS, Tools, keep_stems
from ttsai_server.services.transcription import Transcription
from ttsai_server.store import jobs
from ttsai_server.store.db import Database
from ttsai_server.store.jobs import Job
from ttsai_server.store.ledger import Used
from ttsai_server.store.results import Results

T = TypeVar("T")

logger = logging.getLogger(__name__)

TELL_SECONDS = 1.0
"""How often a task's progress is kept, and it is asked whether the task is still wanted."""
PATIENCE_SECONDS = 3600.0
"""How long a task waits for a model that is busy or being loaded."""


class NotWanted(Exception):
    """The task has been ended by somebody else, as its client."""


class JobRunner:
    def __init__(
        self,
        database: Database,
        results: Results,
        speech: Speech,
        transcription: Transcription,
        tools: Tools,
        node: str,
        attempts: int,
    ) -> None:
        """The services charge nobody: a task is paid at its end. node: the name of this server."""
        self._database = database
        self._results = results
        self._speech = speech
        self._transcription = transcription
        self._tools = tools
        self._node = node
        self._attempts = attempts
        self._running: dict[str, asyncio.Task[None]] = {}
        self._kinds: Mapping[str, Callable[[Job], Awaitable[None]]] = {
            "tts": self._say,
            "stt": self._listen,
            **dict.fromkeys(ORDERS, self._process),
        }

    async def do(self, id: str) -> str | None:
        """Do a task to its end, whatever that is; nothing if it has ended. → the delivery that tells of it, if any.

        May be repeated, and may run on two servers at once: it ends once. Cancelled, it leaves the task to a repeat.
        """
        job = await self._database.write(jobs.begin, id, self._node)
        if job:
            await self._do(job)
        ended = await self._database.read(jobs.get, id)
        if ended and ended.kind != "tts":
            await self._results.delete(input_of(id))
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
        """A request would be told to come again; a task does so by itself."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return await self._kinds[job.kind](job)
            except ModelLoading as error:
                if time.monotonic() > until:
                    raise
                await self._tell(job.id, 0.0)
                await asyncio.sleep(error.retry_after)

    async def _say(self, job: Job) -> None:
        caller, order = _caller(job), speech.Order(**json.loads(job.spec))
        plan = await asyncio.to_thread(self._speech.check, caller, order)
        run = self._speech.say(caller, plan)
        with TemporaryFile() as file:
            async with aclosing(run.chunks(cast(BinaryIO, file))) as chunks:
                await self._follow(job, chunks, lambda _: run.progress)
            used = Used("tts", job.model, plan.characters, run.seconds, job.credits)
            made = JobOutcome(used, plan.language, segments_to(run.segments))
            await self._keep(job, cast(BinaryIO, file), run.content_type, made)

    async def _listen(self, job: Job) -> None:
        order = transcription.Order(**json.loads(job.spec))
        plan = self._transcription.check(replace(order, words=True))  # for subtitles
        with TemporaryFile() as upload:
            await self._fetch(job, cast(BinaryIO, upload))
            run = self._transcription.listen(_caller(job), plan, cast(BinaryIO, upload))
            heard = list[PartialTranscript]()
            async with aclosing(run.partials()) as partials:
                await self._follow(job, partials, lambda partial: partial.end / max(run.seconds, 0.001), heard)
        transcript = run.transcript(heard)
        used = Used("stt", job.model, 0, run.seconds, job.credits)
        made = JobOutcome(used, transcript.language, segments_to(transcript.segments), transcript.text)
        body = await asyncio.to_thread(published_transcript, transcript, words=order.words)
        await self._keep(job, BytesIO(body), "application/json", made)

    async def _process(self, job: Job) -> None:
        plan = self._tools.check(ORDERS[job.kind](**json.loads(job.spec)))
        with TemporaryFile() as upload:
            await self._fetch(job, cast(BinaryIO, upload))
            with self._tools.process(_caller(job), plan, cast(BinaryIO, upload)) as processing:
                async with aclosing(processing.steps()) as shares:
                    await self._follow(job, shares, lambda share: share)
                made = JobOutcome(Used(job.kind, job.model, 0, processing.seconds, job.credits))
                result = await self._result(job, processing)
                await self._keep(job, result.file, result.content_type, made)

    async def _result(self, job: Job, processing: tools.Processing) -> tools.OutputFile:
        """The one file that a task's result is; stems are results of their own beside it."""
        name = processing.plan.result_name
        if name != "stems.json":
            (made,) = processing.made
            return made
        return tools.OutputFile(name, "application/json", BytesIO(await keep_stems(self._results, job, processing)))

    async def _fetch(self, job: Job, into: BinaryIO) -> None:
        """The file that it was sent with."""
        source = await self._results.get(input_of(job.id))
        async with aclosing(self._results.read(source)) as chunks:
            async for chunk in chunks:
                await asyncio.to_thread(into.write, chunk)

    async def _follow(
        self,
        job: Job,
        steps: AsyncGenerator[T],
        progress: Callable[[T], float],
        into: list[T] | None = None,
    ) -> None:
        told = time.monotonic()
        async for step in steps:
            if into is not None:
                into.append(step)
            if time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                await self._tell(job.id, progress(step))

    async def _tell(self, job: str, progress: float) -> None:
        if not await self._database.write(jobs.reach, job, min(progress, 0.99)):
            raise NotWanted

    async def _keep(self, job: Job, file: BinaryIO, content_type: str, made: JobOutcome) -> None:
        """The one transaction {result, completed, settled, to be told}."""
        await self._results.put(
            job.id,
            parts(file),
            account=job.account,
            name=job.name,
            content_type=content_type,
            beside=partial(job_completion.complete, job=job.id, made=made),
        )


def input_of(job: str) -> str:
    """Id under which the results store keeps the file that a task was sent with, until it ends."""
    return f"{job}-input"


def segments_to(segments: Sequence[Segment]) -> str:
    """JSON, with what subtitles need."""
    return json.dumps([_plain(segment) for segment in segments])


def segments_from(text: str) -> list[Segment]:
    return [_segment(**fields) for fields in json.loads(text)]


def _segment(words: list[dict[str, Any]], **fields: Any) -> Segment:
    return Segment(**fields, words=tuple(Word(**word) for word in words))


def _plain(segment: Segment) -> dict[str, object]:
    shown: dict[str, object] = {"text": segment.text, "start": segment.start, "end": segment.end}
    return {**shown, "speaker": segment.speaker, "words": [asdict(word) for word in segment.words]}


def _caller(job: Job) -> Caller:
    return Caller(job.account, job.plan, key="")
