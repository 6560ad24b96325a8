"""Stored answers, for requests that repeat an Idempotency-Key."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, select, update

from ttsai_server.store.db import Database, insert_new
from ttsai_server.store.tables import idempotency

RUNNING = "running"
DONE = "done"


@dataclass(frozen=True, slots=True)
class Answer:
    """The first request with a key, and its answer."""

    fingerprint: str
    """Hash of the request, empty until it has ended. A repeat whose hash differs is a client's mistake."""
    state: str
    """running | done."""
    status: int | None
    """HTTP status; None while running, like `body`."""
    headers: Mapping[str, str]
    body: str | None
    """Path of the file that holds the body."""


class Idempotency:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, account: str, key: str, ttl: float) -> Answer | None:
        """Claim the key. → None if the caller is the first to use it, and has `ttl` seconds to call `finish`.

        Otherwise → the first request's entry, which may still be running. An expired entry, or one not finished in
        time, is replaced. Of concurrent callers exactly one is first.
        """
        return await self._database.write(_begin, account, key, time.time() + ttl)

    async def finish(
        self, account: str, key: str, fingerprint: str, status: int, headers: Mapping[str, str], body: str, ttl: float
    ) -> None:
        """Store the answer for `ttl` seconds."""
        answer = {"fingerprint": fingerprint, "status": status, "headers": json.dumps(dict(headers)), "body": body}
        row = {**answer, "expires_at": time.time() + ttl}
        await self._database.write(_finish, account, key, row)

    async def abandon(self, account: str, key: str) -> None:
        """Delete the entry of a request that failed, so that a repeat is executed again."""
        await self._database.write(_abandon, account, key)

    async def expire(self) -> list[str]:
        """Delete expired entries. → paths of the body files that the caller has to delete."""
        return await self._database.write(_expire, time.time())


_SAME = (idempotency.c.account == bindparam("for_account"), idempotency.c.key == bindparam("for_key"))
_GET = select(
    idempotency.c.fingerprint, idempotency.c.state, idempotency.c.status, idempotency.c.headers, idempotency.c.body
).where(*_SAME)
_FINISH = update(idempotency).where(*_SAME)
_ABANDON = delete(idempotency).where(*_SAME)
_EXPIRE = delete(idempotency).where(idempotency.c.expires_at <= bindparam("now")).returning(idempotency.c.body)


def _begin(connection: Connection, account: str, key: str, expires_at: float) -> Answer | None:
    fresh = {"fingerprint": "", "state": RUNNING, "expires_at": expires_at}
    empty = {"status": None, "headers": None, "body": None}
    row = {"account": account, "key": key, **fresh, **empty}
    first = (
        insert_new(connection, idempotency)
        .values(row)
        .on_conflict_do_update(
            index_elements=["account", "key"], set_={**fresh, **empty}, where=idempotency.c.expires_at <= time.time()
        )
        .returning(idempotency.c.key)
    )
    if connection.scalar(first) is not None:
        return None
    found = connection.execute(_GET, {"for_account": account, "for_key": key}).one()
    return Answer(found.fingerprint, found.state, found.status, json.loads(found.headers or "{}"), found.body)


def _finish(connection: Connection, account: str, key: str, row: Mapping[str, object]) -> None:
    connection.execute(_FINISH, {"for_account": account, "for_key": key, "state": DONE, **row})


def _abandon(connection: Connection, account: str, key: str) -> None:
    connection.execute(_ABANDON, {"for_account": account, "for_key": key})


def _expire(connection: Connection, now: float) -> list[str]:
    return [body for body in connection.scalars(_EXPIRE, {"now": now}) if body]
