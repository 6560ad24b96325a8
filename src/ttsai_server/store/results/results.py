"""Results: rows and files together."""

import re
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing
from functools import partial
from hashlib import sha256
from secrets import token_hex

from sqlalchemy import Connection

from ttsai_server.errors import NotFound, ResultTooLarge
from ttsai_server.settings import Results as Bounds
from ttsai_server.settings import Settings
from ttsai_server.store.db import Database
from ttsai_server.store.results import rows
from ttsai_server.store.results.base import Files
from ttsai_server.store.results.directory import Directory
from ttsai_server.store.results.rows import Result, Usage
from ttsai_server.store.results.s3 import S3
from ttsai_server.store.tables import results

ID = re.compile(r"([a-z]{1,16}_)?[0-9a-f]{32}(-[a-z0-9]{1,16})?")
"""What `new_id` returns, with a suffix if a job has several results: `task_…-vocals`."""
BLOCK = 256 * 1024
"""Bytes per write: an encoder's many small chunks are joined."""
WRITE_SECONDS = 3600.0
"""A file that does not grow for this long is given up, and deleted."""
MEASURE_SECONDS = 5.0
"""How long a measured size of the store is used."""
LONGEST_NAME = 120


def new_id(kind: str) -> str:
    """An id that can't be guessed, `kind_` and 128 random bits as hexadecimal; kind: 1 to 16 lower-case letters."""
    return f"{kind}_{token_hex(16)}"


class Results:
    """The store of results. Times to live are in seconds, sizes in bytes."""

    def __init__(self, database: Database, files: Files, bounds: Bounds) -> None:
        self._database = database
        self._files = files
        self._keep_seconds = bounds.hours * 3600
        self._most = bounds.quota_mb * 1_000_000
        self._most_each = bounds.account_quota_mb * 1_000_000
        self._size = 0
        self._measured_at = 0.0

    async def put(
        self,
        id: str,
        chunks: AsyncIterable[bytes],
        *,
        account: str,
        name: str,
        content_type: str,
        ttl: float | None = None,
        beside: Callable[[Connection], None] | None = None,
    ) -> Result:
        """Store the chunks as the result `id`, for `ttl` or `results.hours`. It does not exist until all are written.

        Args:
            beside: also run in the transaction that creates the result; if it raises, neither is stored.

        If the id exists already, also through a concurrent `put`, → the first result, so a job may repeat its `put`.
        Raises NotFound for a malformed id, StoreFull if the account's share of the store is full, ResultTooLarge for
        one larger than that share, and what the chunks raise.
        """
        first = await self._find(_checked(id))
        new = partial(Result, id=id, account=account, name=_clean(name), content_type=content_type)
        return first or await self._put(chunks, new, ttl or self._keep_seconds, beside)

    async def _put(
        self,
        chunks: AsyncIterable[bytes],
        result: Callable[..., Result],
        ttl: float,
        beside: Callable[[Connection], None] | None,
    ) -> Result:
        file = token_hex(16)
        await self._database.write(rows.start, file, time.time() + WRITE_SECONDS)
        try:
            intake = Intake(self._database, file, chunks)
            await self._files.write(file, intake.blocks())
            now = time.time()
            new = result(file=file, size=intake.size, sha256=intake.sha256, created_at=now, expires_at=now + ttl)
            return await self._database.write(_keep, new, beside, self._most_each)
        except BaseException:
            await self._database.write(rows.abandon, file)
            raise

    async def get(self, id: str) -> Result:
        """The result with this id. Raises NotFound for one that is unknown, expired or malformed."""
        found = await self._find(_checked(id))
        if found is None:
            raise _not_found()
        return found

    async def _find(self, id: str) -> Result | None:
        found = await self._database.read(rows.get, id)
        return found if found and found.expires_at > time.time() else None

    async def read(self, result: Result, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes]:
        """The result's bytes from `start` up to `stop`, or the end. Raises NotFound before the first if it is gone."""
        try:
            async with aclosing(self._files.read(result.file, start, result.size if stop is None else stop)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except FileNotFoundError as error:
            raise _not_found() from error

    async def delete(self, id: str) -> None:
        """Delete a result and its file; does nothing if there is none."""
        wanted = results.c.id == _checked(id)
        await self._burn(await self._database.write(rows.release, wanted))

    async def expire(self) -> int:
        """Delete expired results, and files that crashes left. → how many files."""
        count = 0
        while files := await self._database.write(_due):
            await self._burn(files)
            count += len(files)
        return count

    async def usage(self, account: str | None = None) -> Usage:
        """Number and total size of the results of one account, or of all."""
        return await self._database.read(rows.usage, account)

    def check_fits(self, size: int) -> None:
        """Raises ResultTooLarge for a result, with its parts, that is larger than an account's share of the store."""
        if size > self._most_each:
            raise ResultTooLarge(size, self._most_each)

    async def check_room(self, account: str) -> None:
        """Raises StoreFull if the account fills its share, or all results fill the store, the expired ones deleted.

        To be called before a job is accepted: however full the store is, `put` refuses only who has filled its share.
        """
        if await self._database.read(rows.filled, account) >= self._most_each:
            await self.expire()
            if await self._database.read(rows.filled, account) >= self._most_each:
                raise await self._database.read(rows.full, account)
        if time.monotonic() >= self._measured_at + MEASURE_SECONDS:
            await self._measure()
            if self._size >= self._most:
                await self.expire()
                await self._measure()
        if self._size >= self._most:
            raise await self._database.read(rows.full, None)

    async def _measure(self) -> None:
        self._measured_at = time.monotonic()
        self._size = (await self.usage()).bytes

    async def _burn(self, files: list[str]) -> None:
        if files:
            await self._files.delete(files)
            await self._database.write(rows.forget, files)


class Intake:
    """Joins chunks to blocks, counts and hashes them, and extends the file's time limit while they arrive."""

    def __init__(self, database: Database, file: str, chunks: AsyncIterable[bytes]) -> None:
        self.size = 0
        self._hash = sha256()
        self._database = database
        self._file = file
        self._chunks = chunks
        self._renew_at = time.monotonic() + WRITE_SECONDS / 10

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    async def blocks(self) -> AsyncGenerator[bytes]:
        block = bytearray()
        async for chunk in self._chunks:
            block += chunk
            if len(block) >= BLOCK:
                yield await self._passed(bytes(block))
                block.clear()
        if block:
            yield await self._passed(bytes(block))

    async def _passed(self, block: bytes) -> bytes:
        self.size += len(block)
        self._hash.update(block)
        if time.monotonic() > self._renew_at:
            self._renew_at += WRITE_SECONDS / 10
            await self._database.write(rows.renew, self._file, time.time() + WRITE_SECONDS)
        return block


def open_results(settings: Settings, database: Database) -> Results:
    """The store that the settings name. Raises ValueError for a URL that is not of S3."""
    url = settings.results.url
    files = S3(url) if url else Directory(settings.data_dir / "results")
    return Results(database, files, settings.results)


def _keep(connection: Connection, new: Result, beside: Callable[[Connection], None] | None, most: int) -> Result:
    kept = rows.keep(connection, new, most)
    if beside:
        beside(connection)
    return kept


def _due(connection: Connection) -> list[str]:
    now = time.time()
    return rows.release_expired(connection, now) + rows.claim(connection, now)


def _checked(id: str) -> str:
    if not ID.fullmatch(id):
        raise _not_found()
    return id


def _not_found() -> NotFound:
    return NotFound("There is no such result; it may have expired.")


def _clean(name: str) -> str:
    """A file name that every system accepts: no folders, no control characters, not too long."""
    base = re.split(r"[/\\]", name)[-1].encode(errors="replace").decode()
    return "".join(c for c in base if c.isprintable())[-LONGEST_NAME:] or "result"
