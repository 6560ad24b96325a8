"""The database: a SQLite file or a Postgres server; code outside this file does not depend on which.

A transaction is a plain function that takes a SQLAlchemy `Connection`, so it is written once for both. Postgres runs it
over asyncpg. SQLite runs it in a thread, with one switch to that thread per transaction rather than per statement. All
writers share one thread, because SQLite has a single write lock: they queue in order, and never get "database is
locked" within one process.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from sqlite3 import SQLITE_BUSY, SQLITE_CANTOPEN, SQLITE_FULL, SQLITE_IOERR, SQLITE_READONLY, OperationalError
from sqlite3 import Connection as SqliteConnection
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Table, create_engine, event, make_url
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from ttsai_server.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

P = ParamSpec("P")
T = TypeVar("T")

LOCK_WAIT = 30.0
"""How long a writer waits for another process that holds SQLite's write lock, seconds."""
OUTAGES = ("08", "40", "53", "57P")
"""Prefixes of SQLSTATE when Postgres is unreachable, out of resources, starting, stopping or broke a deadlock."""
UNSTORABLE = "22021"
"""SQLSTATE for a text with a character that Postgres can't store: NUL."""
SQLITE_OUTAGES = (SQLITE_BUSY, SQLITE_CANTOPEN, SQLITE_IOERR, SQLITE_READONLY)
"""Primary result codes when SQLite's file is locked for too long, or can't be read or written."""
READERS = 4
"""Threads that read SQLite at the same time."""


class DatabaseUnavailable(Exception):
    """The database is unreachable, or the connection broke in a transaction, which may have been committed or not."""


class DatabaseFull(DatabaseUnavailable):
    """SQLite's disk has no room left; the transaction was rolled back."""


class UnstorableText(Exception):
    """A text contains a character that the database can't store, so no row contains it either."""


class Database(ABC):
    """Runs functions in transactions. Created by `open_database`, inside a running event loop or before it."""

    def __init__(self) -> None:
        self._writes: set[asyncio.Future[Any]] = set()

    async def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` in one transaction, which is rolled back if it raises. → what `work` returns.

        A transaction that has begun runs to its end even if the caller is cancelled. Raises DatabaseUnavailable, or
        UnstorableText for one of the arguments.
        """
        future = self._transact(lambda connection: work(connection, *args, **kwargs))
        self._writes.add(future)
        future.add_done_callback(self._writes.discard)
        return await asyncio.shield(future)

    async def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work`, which only reads, outside a transaction and concurrently with writers. → what `work` returns.

        Raises as `write`.
        """
        return await self._query(lambda connection: work(connection, *args, **kwargs))

    async def close(self) -> None:
        """Wait for the writes in progress, then close all connections. Idempotent."""
        if self._writes:
            await asyncio.wait(self._writes)
        await self._dispose()

    @abstractmethod
    async def erase_deleted(self) -> None:
        """Erase from the files what deleted rows have left there, as far as the database can do that."""

    @abstractmethod
    def _transact(self, work: Callable[[Connection], T]) -> asyncio.Future[T]: ...

    @abstractmethod
    async def _query(self, work: Callable[[Connection], T]) -> T: ...

    @abstractmethod
    async def _dispose(self) -> None: ...


class Sqlite(Database):
    """An SQLite file; it and its folder are created if missing."""

    def __init__(self, url: URL) -> None:
        super().__init__()
        if not url.database or url.database == ":memory:":
            raise ValueError("SQLite needs a file: sqlite:///path")
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        _make_private(Path(url.database))
        self._engine = create_engine(url, pool_size=1 + READERS, connect_args={"timeout": LOCK_WAIT})
        event.listen(self._engine, "connect", _configure)
        self._writer = ThreadPoolExecutor(1, "sqlite-writer")
        self._readers = ThreadPoolExecutor(READERS, "sqlite-reader")

    async def erase_deleted(self) -> None:
        """The pages are overwritten with zeros (`_configure`); here the log, which still has what they were before."""
        await asyncio.get_running_loop().run_in_executor(self._writer, self._on_connection, _empty_log)

    def _transact(self, work: Callable[[Connection], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._writer, self._in_transaction, work)

    def _in_transaction(self, work: Callable[[Connection], T]) -> T:
        with _sqlite_errors(), self._engine.begin() as connection:
            # take the write lock first: a transaction that reads, then writes fails at once if another wrote in between
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            return work(connection)

    async def _query(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._on_connection, work)

    def _on_connection(self, work: Callable[[Connection], T]) -> T:
        with _sqlite_errors(), self._engine.connect() as connection:
            return work(connection)

    async def _dispose(self) -> None:
        self._writer.shutdown()
        self._readers.shutdown()
        self._engine.dispose()


def _make_private(file: Path) -> None:
    """Make the file if it is not there, for its owner only; SQLite gives its log the same permissions."""
    with suppress(OSError):  # it is another user's, or on a disk that can't be written: SQLite says so itself
        file.touch(0o600)
        file.chmod(0o600)


@contextmanager
def _sqlite_errors() -> Generator[None]:
    """Raises DatabaseFull or DatabaseUnavailable if the fault is the file's."""
    try:
        yield
    except (DBAPIError, OperationalError) as error:  # the driver's own comes from `_configure`
        cause = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if code == SQLITE_FULL:
            raise DatabaseFull(str(cause)) from error
        if code in SQLITE_OUTAGES:
            raise DatabaseUnavailable(str(cause)) from error
        raise


def _configure(connection: SqliteConnection, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions: `_in_transaction` does
    _use_wal(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")


def _empty_log(connection: Connection) -> None:
    """Write the log to the database's file, and truncate it, once no reader needs it any more."""
    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _use_wal(connection: SqliteConnection) -> None:
    """Switch the file to a write-ahead log.

    The switch needs exclusive access to the file, and SQLite's own timeout does not wait for that: if several servers
    start at the same time on a new file, all but one would raise "database is locked".
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

    async def erase_deleted(self) -> None:
        """Postgres does so itself, in its own time (autovacuum)."""

    def _transact(self, work: Callable[[Connection], T]) -> asyncio.Future[T]:
        return asyncio.ensure_future(self._in_transaction(work))

    async def _in_transaction(self, work: Callable[[Connection], T]) -> T:
        async with _connection(self._engine) as connection, connection.begin():
            return await connection.run_sync(work)

    async def _query(self, work: Callable[[Connection], T]) -> T:
        async with _connection(self._reader) as connection:
            return await connection.run_sync(work)

    async def _dispose(self) -> None:
        await self._engine.dispose()


@asynccontextmanager
async def _connection(engine: "AsyncEngine") -> "AsyncGenerator[AsyncConnection]":
    """A connection of the pool. Raises DatabaseUnavailable or UnstorableText."""
    try:
        async with AsyncExitStack() as stack:
            try:
                connection = await stack.enter_async_context(engine.connect())
            except (OSError, NoConnection) as error:
                raise DatabaseUnavailable(str(error)) from error
            yield connection
    except DBAPIError as error:
        state = str(getattr(error.orig, "sqlstate", ""))
        if error.connection_invalidated or state.startswith(OUTAGES):
            raise DatabaseUnavailable(str(error.orig)) from error
        if state == UNSTORABLE:
            raise UnstorableText(str(error.orig)) from error
        raise


def _for_asyncpg(url: URL) -> URL:
    """Rename libpq's query parameter `sslmode`, which hosting providers put into their URLs, to asyncpg's `ssl`."""
    query = {"ssl" if name == "sslmode" else name: value for name, value in url.query.items()}
    return url.set(drivername="postgresql+asyncpg", query=query)


def open_database(settings: Settings) -> Database:
    """The database that the settings name; connects on first use. Raises ValueError for an unsupported URL."""
    with suppress(OSError):  # as for the database's file
        settings.data_dir.mkdir(0o700, parents=True, exist_ok=True)
        settings.data_dir.chmod(0o700)
    url = make_url(settings.store_url)
    match url.get_backend_name():
        case "sqlite":
            return Sqlite(url)
        case "postgresql" | "postgres":
            return Postgres(url, settings.store.pool_size)
        case other:
            raise ValueError(f"store.url: sqlite:///path or postgresql://…, not {other}://…")


def insert_new(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """An INSERT that supports ON CONFLICT, for which SQLAlchemy has a separate class per database."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)
