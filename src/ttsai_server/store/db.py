"""The database: SQLite in a file, or Postgres; nothing above this file knows which.

Work is a plain function of a SQLAlchemy `Connection`, so a transaction is written once for both. Postgres runs it over
asyncpg. SQLite runs it in a thread, one hop a transaction rather than one a statement: all writers share one thread,
because SQLite has one write lock anyway, so they queue in order and never meet "database is locked" in their process.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from sqlite3 import SQLITE_BUSY, OperationalError, sqlite_version_info
from sqlite3 import Connection as SqliteConnection
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import sqlite

from ttsai_server.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

P = ParamSpec("P")
T = TypeVar("T")

LOCK_WAIT = 30.0
"""How long a writer waits for another process that holds SQLite's write lock, seconds."""
READERS = 4
"""Threads that read SQLite at the same time."""


class Database(ABC):
    """Runs work on the database. Made by `open_database`, inside a running event loop or before it."""

    def __init__(self) -> None:
        self._writes: set[asyncio.Future[Any]] = set()

    async def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` in one transaction: all of it is kept, or, if it raises, none.

        Once begun it is carried to its end even when the caller is cancelled, so that nothing is half done.
        """
        future = self._transact(lambda connection: work(connection, *args, **kwargs))
        self._writes.add(future)
        future.add_done_callback(self._writes.discard)
        return await asyncio.shield(future)

    async def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work`, which only reads: outside a transaction, and beside the writers."""
        return await self._look(lambda connection: work(connection, *args, **kwargs))

    async def close(self) -> None:
        """Wait for the writes under way, then let go of every connection. Idempotent."""
        if self._writes:
            await asyncio.wait(self._writes)
        await self._dispose()

    @abstractmethod
    def _transact(self, work: Callable[[Connection], T]) -> asyncio.Future[T]: ...

    @abstractmethod
    async def _look(self, work: Callable[[Connection], T]) -> T: ...

    @abstractmethod
    async def _dispose(self) -> None: ...


class Sqlite(Database):
    """An SQLite file; made, with its folder, if it is not there."""

    def __init__(self, url: URL) -> None:
        super().__init__()
        if not url.database or url.database == ":memory:":
            raise ValueError("SQLite needs a file: sqlite:///path")
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        self._engine = create_engine(url, pool_size=1 + READERS, connect_args={"timeout": LOCK_WAIT})
        event.listen(self._engine, "connect", _configure)
        self._writer = ThreadPoolExecutor(1, "sqlite-writer")
        self._readers = ThreadPoolExecutor(READERS, "sqlite-reader")

    def _transact(self, work: Callable[[Connection], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._writer, self._in_transaction, work)

    def _in_transaction(self, work: Callable[[Connection], T]) -> T:
        with self._engine.begin() as connection:
            # the write lock is taken first: a reader that turns writer would fail at once if another wrote meanwhile
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            return work(connection)

    async def _look(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._in_passing, work)

    def _in_passing(self, work: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            return work(connection)

    async def _dispose(self) -> None:
        self._writer.shutdown()
        self._readers.shutdown()
        self._engine.dispose()


def _configure(connection: SqliteConnection, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself
    _use_wal(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    if sqlite_version_info < (3, 42):
        # from Python 3.12 on DBOS asks for milliseconds by unixepoch('subsec'), which is NULL in older releases
        connection.create_function("unixepoch", 1, _unixepoch)


def _unixepoch(_modifier: str) -> float:
    """Unix seconds, to the millisecond."""
    return round(time.time(), 3)


def _use_wal(connection: SqliteConnection) -> None:
    """Switch the file to a write-ahead log.

    The switch needs the file for itself, and SQLite's own timeout does not wait for that: where servers start together
    on a new file, all but one would raise "database is locked".
    """
    deadline = time.monotonic() + LOCK_WAIT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except OperationalError as error:
            if error.sqlite_errorcode & 0xFF != SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


class Postgres(Database):
    """A Postgres server, over asyncpg."""

    def __init__(self, url: URL, pool_size: int) -> None:
        super().__init__()
        from sqlalchemy.ext.asyncio import create_async_engine

        try:
            self._engine = create_async_engine(
                _for_asyncpg(url), pool_size=pool_size, max_overflow=0, pool_pre_ping=True
            )
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError("Postgres needs the extra: pip install 'ttsai-server[postgres]'") from error
        self._reader = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    def _transact(self, work: Callable[[Connection], T]) -> asyncio.Future[T]:
        return asyncio.ensure_future(self._in_transaction(work))

    async def _in_transaction(self, work: Callable[[Connection], T]) -> T:
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def _look(self, work: Callable[[Connection], T]) -> T:
        async with self._reader.connect() as connection:
            return await connection.run_sync(work)

    async def _dispose(self) -> None:
        await self._engine.dispose()


def _for_asyncpg(url: URL) -> URL:
    """The URL with libpq's `sslmode`, which hosts put into their URLs, under asyncpg's name."""
    query = {"ssl" if name == "sslmode" else name: value for name, value in url.query.items()}
    return url.set(drivername="postgresql+asyncpg", query=query)


def open_database(settings: Settings) -> Database:
    """The database of the settings; connects on first use. Raises ValueError for a URL of another kind."""
    url = make_url(settings.store_url)
    match url.get_backend_name():
        case "sqlite":
            return Sqlite(url)
        case "postgresql" | "postgres":
            return Postgres(url, settings.store.pool_size)
        case other:
            raise ValueError(f"store.url: sqlite:///path or postgresql://…, not {other}://…")


def blocking_engine(settings: Settings) -> Engine:
    """Another way into the same database, for a library that brings SQL of its own; for its threads, not the loop.

    On SQLite, whoever uses it waits for the write lock with everybody else.
    """
    url = make_url(settings.store_url)
    if url.get_backend_name() != "sqlite":
        return create_engine(url.set(drivername="postgresql+psycopg"), pool_size=5, pool_pre_ping=True)
    engine = create_engine(url, pool_size=5, connect_args={"timeout": LOCK_WAIT})
    event.listen(engine, "connect", _configure_blocking)
    return engine


def _configure_blocking(connection: SqliteConnection, record: object) -> None:
    _configure(connection, record)
    connection.isolation_level = "IMMEDIATE"  # the driver begins by itself, with the write lock


def insert_new(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """An INSERT that knows ON CONFLICT, which each database spells through a class of its own."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)
