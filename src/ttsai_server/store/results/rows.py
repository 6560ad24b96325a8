"""The database rows of results and of their files. Each function runs inside a transaction of the caller."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, select, update

from ttsai_server.errors import ResultTooLarge, StoreFull
from ttsai_server.store.db import insert_new
from ttsai_server.store.tables import loose_files, results, saved_voices

RETRY_SECONDS = 600.0
"""After this long another server tries to delete a file, because the first one evidently did not."""
SWEEP = 1000
"""Files that one transaction of the clean-up processes at most."""


@dataclass(frozen=True, slots=True)
class Result:
    id: str
    """Whoever knows the id may fetch the result."""
    file: str
    """Name of the file in the store; never shown to clients."""
    account: str
    name: str
    """File name to show, such as `speech.mp3`."""
    content_type: str
    size: int
    """Bytes."""
    sha256: str
    """Hexadecimal."""
    created_at: float
    """Unix seconds, like `expires_at`."""
    expires_at: float

    @property
    def etag(self) -> str:
        """A strong entity tag, in quotes."""
        return f'"{self.sha256[:32]}"'

    @property
    def extension(self) -> str:
        """The name's extension, in lower case and without the dot."""
        return PurePosixPath(self.name).suffix[1:].lower()


@dataclass(frozen=True, slots=True)
class Usage:
    count: int
    bytes: int


_START = insert(loose_files)
_RENEW = (
    update(loose_files)
    .where(loose_files.c.file == bindparam("name"), loose_files.c.writing)
    .values(until=bindparam("later"))
)
_ABANDON = update(loose_files).where(loose_files.c.file == bindparam("name")).values(writing=False, until=0.0)
_WRITTEN = (
    delete(loose_files)
    .where(loose_files.c.file == bindparam("name"), loose_files.c.writing)
    .returning(loose_files.c.file)
)
_LATE = select(loose_files.c.file).where(loose_files.c.until <= bindparam("now")).limit(SWEEP)
_CLAIM = (
    update(loose_files)
    .where(loose_files.c.file.in_(_LATE), loose_files.c.until <= bindparam("now"))
    .values(writing=False, until=bindparam("later"))
    .returning(loose_files.c.file)
)
_GET = select(results).where(results.c.id == bindparam("result"))
_DISCARD = delete(results).where(results.c.id == bindparam("result")).returning(results.c.file)
_OLD = select(results.c.id).where(results.c.expires_at <= bindparam("now")).limit(SWEEP)
_USAGE = select(func.count(), func.coalesce(func.sum(results.c.size), 0))
_RECORDINGS = select(func.coalesce(func.sum(saved_voices.c.reference_bytes), 0)).where(
    saved_voices.c.account == bindparam("of")
)
_NEXT_EXPIRY = select(func.min(results.c.expires_at))


def start(connection: Connection, file: str, until: float) -> None:
    """Announce a file before it is written. until: Unix seconds; if it is not complete by then, it is deleted."""
    connection.execute(_START, {"file": file, "writing": True, "until": until})


def renew(connection: Connection, file: str, until: float) -> None:
    """Allow the file more time to be written. until: Unix seconds."""
    connection.execute(_RENEW, {"name": file, "later": until})


def abandon(connection: Connection, file: str) -> None:
    """Give up a file that was not finished: the next clean-up deletes it."""
    connection.execute(_ABANDON, {"name": file})


def keep(connection: Connection, result: Result, most: int) -> Result:
    """Turn the written file into the result. → the result with this id: this one, or an earlier one.

    Raises as `check_share` if the account fills more than `most` bytes then, or TimeoutError if writing took so long
    that the file was given up.
    """
    if connection.scalar(_WRITTEN, {"name": result.file}) is None:
        raise TimeoutError(f"{result.id} was not written in its time")
    release(connection, results.c.id == result.id, results.c.expires_at <= time.time())
    is_new = get(connection, result.id) is None
    if is_new:
        check_share(connection, result.account, result.size, most)
    new = insert_new(connection, results).values(asdict(result)).on_conflict_do_nothing(index_elements=["id"])
    if connection.scalar(new.returning(results.c.id)) is None:
        connection.execute(_START, {"file": result.file, "writing": False, "until": 0.0})
    return Result(*connection.execute(_GET, {"result": result.id}).one())


def get(connection: Connection, id: str) -> Result | None:
    """The result, even if it has expired; None if unknown."""
    row = connection.execute(_GET, {"result": id}).one_or_none()
    return Result(*row) if row else None


def release(connection: Connection, *which: ColumnElement[bool]) -> list[str]:
    """Delete the rows of results. → their files, which the caller has to delete."""
    files = list(connection.scalars(delete(results).where(*which).returning(results.c.file)))
    return _loosen(connection, files, time.time() + RETRY_SECONDS)


def release_expired(connection: Connection, now: float) -> list[str]:
    ended = delete(results).where(results.c.id.in_(_OLD)).returning(results.c.file)
    return _loosen(connection, list(connection.scalars(ended, {"now": now})), now + RETRY_SECONDS)


def discard(connection: Connection, id: str) -> None:
    """Delete a result's row, if it exists; the next clean-up deletes its file."""
    _loosen(connection, list(connection.scalars(_DISCARD, {"result": id})), 0.0)


def _loosen(connection: Connection, files: list[str], until: float) -> list[str]:
    if files:
        connection.execute(_START, [{"file": file, "writing": False, "until": until} for file in files])
    return files


def claim(connection: Connection, now: float) -> list[str]:
    """Files to delete: those given up, and those another server failed to delete. Concurrent callers share none."""
    return list(connection.scalars(_CLAIM, {"now": now, "later": now + RETRY_SECONDS}))


def forget(connection: Connection, files: Sequence[str]) -> None:
    """Remove the rows of files that have been deleted."""
    connection.execute(delete(loose_files).where(loose_files.c.file.in_(files)))


def usage(connection: Connection, account: str | None) -> Usage:
    wanted = _USAGE if account is None else _USAGE.where(results.c.account == account)
    count, size = connection.execute(wanted).one()
    return Usage(count, int(size))


def filled(connection: Connection, account: str) -> int:
    """Bytes of the store that the account fills: by its results, and by the recordings of its saved voices."""
    return usage(connection, account).bytes + int(connection.scalar(_RECORDINGS, {"of": account}) or 0)


def check_share(connection: Connection, account: str, more: int, most: int) -> None:
    """Raises StoreFull if the account would fill more than `most` bytes with so many more, ResultTooLarge if these
    alone are more."""
    if more > most:
        raise ResultTooLarge(more, most)
    if filled(connection, account) + more > most:
        raise full(connection, account)


def full(connection: Connection, account: str | None) -> StoreFull:
    """The error that says when the next result, of the account or of all, expires."""
    wanted = _NEXT_EXPIRY if account is None else _NEXT_EXPIRY.where(results.c.account == account)
    expiry = connection.scalar(wanted)
    wait = 3600.0 if expiry is None else min(max(1.0, expiry - time.time()), 3600.0)
    whose = "The results store is full" if account is None else "The account's results fill its share of the store"
    return StoreFull(whose, retry_after=wait)
