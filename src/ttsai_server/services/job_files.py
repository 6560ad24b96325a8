"""The files of jobs in the results store: what they were sent with, and what they have made."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, replace
from io import SEEK_END, BytesIO
from typing import Any, BinaryIO

from sqlalchemy import Connection

from ttsai_server.domain import Segment, Word
from ttsai_server.errors import StoreFull
from ttsai_server.services.flow import Outcome, OutputFile, OutputParts
from ttsai_server.store.jobs import Job
from ttsai_server.store.results import Results

READ_BYTES = 1 << 18


class JobFiles:
    def __init__(self, results: Results, upload_seconds: float) -> None:
        """upload_seconds: how long an upload is kept, if its job does not end before."""
        self._results = results
        self._upload_seconds = upload_seconds

    async def check_room(self, account: str) -> None:
        """Raises StoreFull."""
        await self._results.check_room(account)

    async def keep_upload(self, job: Job, file: BinaryIO, name: str) -> None:
        """Keep the file that a job comes with."""
        await self._results.put(
            upload_of(job.id),
            read_chunks(file),
            account=job.account,
            name=name,
            content_type="application/octet-stream",
            ttl=self._upload_seconds,
        )

    async def read_upload(self, job: str, into: BinaryIO) -> None:
        """Raises NotFound."""
        source = await self._results.get(upload_of(job))
        async with aclosing(self._results.read(source)) as chunks:
            async for chunk in chunks:
                await asyncio.to_thread(into.write, chunk)

    async def delete_upload(self, job: str) -> None:
        await self._results.delete(upload_of(job))

    async def keep_result(self, job: Job, outcome: Outcome, beside: Callable[[Connection], None]) -> OutputFile:
        """Keep what the job has made as its result, with what `beside` writes in one transaction. → the result.

        Parts become results of their own, before it. May be repeated. Raises what `beside` raises, ResultTooLarge, or
        StoreFull; then no part is kept either.
        """
        result = outcome.result
        if isinstance(result, OutputParts):
            parts = {_part_id(job, result.kind, part): part for part in result.files}
            file = self._index(job, result, parts)
        else:
            parts, file = dict[str, OutputFile](), result
        self._results.check_fits(sum(each.file.seek(0, SEEK_END) for each in (*parts.values(), file)))
        try:
            for id, part in parts.items():
                await self._keep(job, id, part)
            await self._keep(job, job.id, replace(file, name=job.name), beside)
        except StoreFull:
            for id in parts:
                await self._results.delete(id)
            raise
        return file

    def _index(self, job: Job, result: OutputParts, parts: Mapping[str, OutputFile]) -> OutputFile:
        """The result proper. parts: by the ids of the results that they become."""
        addresses: dict[str, str] = {}
        for id, part in parts.items():
            name, _, extension = part.name.partition(".")
            addresses[name] = f"{job.base_url}/v1/results/{id}.{extension}"
        return OutputFile(job.name, "application/json", BytesIO(result.index(job.id, addresses, job.credits)))

    async def _keep(
        self, job: Job, id: str, file: OutputFile, beside: Callable[[Connection], None] | None = None
    ) -> None:
        chunks = read_chunks(file.file)
        await self._results.put(
            id, chunks, account=job.account, name=file.name, content_type=file.content_type, beside=beside
        )


async def read_chunks(file: BinaryIO) -> AsyncGenerator[bytes]:
    """All of a file, from its start, off the event loop."""
    file.seek(0)
    while chunk := await asyncio.to_thread(file.read, READ_BYTES):
        yield chunk


def _part_id(job: Job, kind: str, file: OutputFile) -> str:
    return f"{kind}_{job.id.partition('_')[2]}-{file.name.partition('.')[0]}"


def upload_of(job: str) -> str:
    """Id under which the results store keeps the file that a job came with, until it ends."""
    return f"{job}-input"


def segments_to_json(segments: Sequence[Segment]) -> str:
    """What subtitles need of them."""
    return json.dumps([_plain(segment) for segment in segments])


def segments_from_json(text: str) -> list[Segment]:
    return [_segment(**fields) for fields in json.loads(text)]


def _segment(words: list[dict[str, Any]], **fields: Any) -> Segment:
    return Segment(**fields, words=tuple(_word(**word) for word in words))


def _word(characters: list[int] | None = None, **fields: Any) -> Word:
    return Word(**fields, characters=(characters[0], characters[1]) if characters else None)


def _plain(segment: Segment) -> dict[str, object]:
    shown: dict[str, object] = {"text": segment.text, "start": segment.start, "end": segment.end}
    return {**shown, "speaker": segment.speaker, "words": [asdict(word) for word in segment.words]}
