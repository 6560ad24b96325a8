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

from ttsai_server.domain import Caller, Passage, Segment, Word
from ttsai_server.errors import ApiError, DiskFull, InternalError, ModelLoading
from ttsai_server.services import ending, speech, tools, transcription
from ttsai_server.services.ending import Made
from ttsai_server.services.parts import parts
from ttsai_server.services.published import published_transcript
from ttsai_server.services.speech import Speech
from ttsai_server.services.tools import ORDERS, Tools, keep_stems
from ttsai_server.services.transcription import Transcription
from ttsai_server.store import tasks
from ttsai_server.store.db import Database
from ttsai_server.store.ledger import Used
from ttsai_server.store.results import Results
from ttsai_server.store.tasks import Task

T = TypeVar("T")

logger = logging.getLogger(__name__)

TELL_SECONDS = 1.0
"""How often a task's progress is kept, and it is asked whether the task is still wanted."""
PATIENCE_SECONDS = 3600.0
"""How long a task waits for a model that is busy or being loaded."""


class NotWanted(Exception):
    """The task has been ended by somebody else, as its client."""


class Work:
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
        self._kinds: Mapping[str, Callable[[Task], Awaitable[None]]] = {
            "tts": self._say,
            "stt": self._listen,
            **dict.fromkeys(ORDERS, self._process),
        }

    async def do(self, id: str) -> str | None:
        """Do a task to its end, whatever that is; nothing if it has ended. → the delivery that tells of it, if any.

        May be repeated, and may run on two servers at once: it ends once. Cancelled, it leaves the task to a repeat.
        """
        task = await self._database.write(tasks.begin, id, self._node)
        if task:
            await self._do(task)
        ended = await self._database.read(tasks.get, id)
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

    async def _do(self, task: Task) -> None:
        work = self._running[task.id] = asyncio.create_task(self._finish(task))
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.wait([work])
            raise
        finally:
            del self._running[task.id]
        if not work.cancelled():  # else by `stop`
            work.result()

    async def _finish(self, task: Task) -> None:
        try:
            if task.attempts > self._attempts:
                raise InternalError(f"The work broke off {self._attempts} times.")
            await self._patiently(task)
        except NotWanted:
            pass
        except ApiError as error:
            await self._database.write(ending.fail, task.id, error)
        except Exception as error:
            logger.exception("task %s failed", task.id)
            bug = InternalError(f"Something went wrong on the server. Task id: {task.id}")
            told = DiskFull() if DiskFull.is_cause(error) else bug
            await self._database.write(ending.fail, task.id, told)

    async def _patiently(self, task: Task) -> None:
        """A request would be told to come again; a task does so by itself."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return await self._kinds[task.kind](task)
            except ModelLoading as error:
                if time.monotonic() > until:
                    raise
                await self._tell(task.id, 0.0)
                await asyncio.sleep(error.retry_after)

    async def _say(self, task: Task) -> None:
        caller, order = _caller(task), speech.Order(**json.loads(task.spec))
        script = await asyncio.to_thread(self._speech.check, caller, order)
        utterance = self._speech.say(caller, script)
        with TemporaryFile() as file:
            async with aclosing(utterance.chunks(cast(BinaryIO, file))) as chunks:
                await self._follow(task, chunks, lambda _: utterance.progress)
            used = Used("tts", task.model, script.characters, utterance.seconds, task.credits)
            made = Made(used, script.language, segments_to(utterance.segments))
            await self._keep(task, cast(BinaryIO, file), utterance.content_type, made)

    async def _listen(self, task: Task) -> None:
        order = transcription.Order(**json.loads(task.spec))
        brief = self._transcription.check(replace(order, words=True))  # for subtitles
        with TemporaryFile() as upload:
            await self._fetch(task, cast(BinaryIO, upload))
            hearing = self._transcription.listen(_caller(task), brief, cast(BinaryIO, upload))
            heard = list[Passage]()
            async with aclosing(hearing.passages()) as passages:
                await self._follow(task, passages, lambda passage: passage.end / max(hearing.seconds, 0.001), heard)
        transcript = hearing.transcript(heard)
        used = Used("stt", task.model, 0, hearing.seconds, task.credits)
        made = Made(used, transcript.language, segments_to(transcript.segments), transcript.text)
        body = await asyncio.to_thread(published_transcript, transcript, words=order.words)
        await self._keep(task, BytesIO(body), "application/json", made)

    async def _process(self, task: Task) -> None:
        plan = self._tools.check(ORDERS[task.kind](**json.loads(task.spec)))
        with TemporaryFile() as upload:
            await self._fetch(task, cast(BinaryIO, upload))
            with self._tools.process(_caller(task), plan, cast(BinaryIO, upload)) as processing:
                async with aclosing(processing.steps()) as shares:
                    await self._follow(task, shares, lambda share: share)
                made = Made(Used(task.kind, task.model, 0, processing.seconds, task.credits))
                result = await self._result(task, processing)
                await self._keep(task, result.file, result.content_type, made)

    async def _result(self, task: Task, processing: tools.Processing) -> tools.Made:
        """The one file that a task's result is; stems are results of their own beside it."""
        name = processing.plan.result_name
        if name != "stems.json":
            (made,) = processing.made
            return made
        return tools.Made(name, "application/json", BytesIO(await keep_stems(self._results, task, processing)))

    async def _fetch(self, task: Task, into: BinaryIO) -> None:
        """The file that it was sent with."""
        source = await self._results.get(input_of(task.id))
        async with aclosing(self._results.read(source)) as chunks:
            async for chunk in chunks:
                await asyncio.to_thread(into.write, chunk)

    async def _follow(
        self,
        task: Task,
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
                await self._tell(task.id, progress(step))

    async def _tell(self, task: str, progress: float) -> None:
        if not await self._database.write(tasks.reach, task, min(progress, 0.99)):
            raise NotWanted

    async def _keep(self, task: Task, file: BinaryIO, content_type: str, made: Made) -> None:
        """The one transaction {result, completed, settled, to be told}."""
        await self._results.put(
            task.id,
            parts(file),
            account=task.account,
            name=task.name,
            content_type=content_type,
            beside=partial(ending.complete, task=task.id, made=made),
        )


def input_of(task: str) -> str:
    """Id under which the results store keeps the file that a task was sent with, until it ends."""
    return f"{task}-input"


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


def _caller(task: Task) -> Caller:
    return Caller(task.account, task.plan, key="")
