"""Stored answers, for requests that repeat an Idempotency-Key."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, and_, bindparam, delete, or_, select, update

from ttsai_server.store.db import Database, insert_new
from ttsai_server.store.request_leases import KEYS, RequestLease, RequestLeases
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
    def __init__(self, database: Database, leases: RequestLeases) -> None:
        self._database = database
        self._leases = leases

    async def begin(self, account: str, key: str, ttl: float) -> Answer | RequestLease:
        """Claim the key. → a lease if the caller is the first to use it, and has `ttl` seconds to call `finish`.

        Otherwise → the first request's entry, which may still be running. An entry that has expired, was not finished
        in time, or whose lease has expired, is replaced. Of concurrent callers exactly one is first.
        """
        lease = self._leases.take()
        first = False
        try:
            found = await self._database.write(_begin, account, key, time.time() + ttl, lease)
            first = found is None
            return found or lease
        finally:
            if not first:
                self._leases.end(lease.id)

    async def finish(
        self, lease: RequestLease, fingerprint: str, status: int, headers: Mapping[str, str], body: str, ttl: float
    ) -> bool:
        """Store the answer for `ttl` seconds. → False if another request has claimed the key since."""
        answer = {"fingerprint": fingerprint, "status": status, "headers": json.dumps(dict(headers)), "body": body}
        row = {**answer, "expires_at": time.time() + ttl}
        try:
            return await self._database.write(_finish, lease.id, row)
        finally:
            self._leases.end(lease.id)

    async def abandon(self, lease: RequestLease) -> None:
        """Delete the entry of a request that failed, so that a repeat is executed again."""
        try:
            await self._database.write(_abandon, lease.id)
        finally:
            self._leases.end(lease.id)

    async def expire(self) -> list[str]:
        """Delete expired entries. → paths of the body files that the caller has to delete."""
        return await self._database.write(_expire, time.time())


_SAME = (idempotency.c.account == bindparam("for_account"), idempotency.c.key == bindparam("for_key"))
_GET = select(
    idempotency.c.fingerprint, idempotency.c.state, idempotency.c.status, idempotency.c.headers, idempotency.c.body
).where(*_SAME)
_CLAIMED = (idempotency.c.id == bindparam("claim"), KEYS.unfinished)
_FINISH = update(idempotency).where(*_CLAIMED)
_ABANDON = delete(idempotency).where(*_CLAIMED)
_EXPIRE = delete(idempotency).where(idempotency.c.expires_at <= bindparam("now")).returning(idempotency.c.body)


def _begin(connection: Connection, account: str, key: str, expires_at: float, lease: RequestLease) -> Answer | None:
    now = time.time()
    fresh = {"fingerprint": "", "state": RUNNING, "expires_at": expires_at, **asdict(lease)}
    empty = {"status": None, "headers": None, "body": None}
    row = {"account": account, "key": key, **fresh, **empty}
    first = (
        insert_new(connection, idempotency)
        .values(row)
        .on_conflict_do_update(
            index_elements=["account", "key"],
            set_={**fresh, **empty},
            where=or_(idempotency.c.expires_at <= now, and_(KEYS.unfinished, KEYS.is_free(now))),
        )
        .returning(idempotency.c.key)
    )
    if connection.scalar(first) is not None:
        return None
    found = connection.execute(_GET, {"for_account": account, "for_key": key}).one()
    return Answer(found.fingerprint, found.state, found.status, json.loads(found.headers or "{}"), found.body)


def _finish(connection: Connection, claim: str, row: Mapping[str, object]) -> bool:
    return connection.execute(_FINISH, {"claim": claim, "state": DONE, **row}).rowcount == 1


def _abandon(connection: Connection, claim: str) -> None:
    connection.execute(_ABANDON, {"claim": claim})


def _expire(connection: Connection, now: float) -> list[str]:
    return [body for body in connection.scalars(_EXPIRE, {"now": now}) if body]
