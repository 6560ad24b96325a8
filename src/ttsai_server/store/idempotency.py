"""Stored answers, for requests that repeat an Idempotency-Key."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import inf
from secrets import token_hex
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, func, or_, select, update

from ttsai_server.settings import Idempotency as Bounds
from ttsai_server.store.db import Database, insert_new
from ttsai_server.store.request_leases import KEYS, RequestLease, RequestLeases
from ttsai_server.store.tables import idempotency

RUNNING = "running"
DONE = "done"
LEAST_BYTES = 16_384
"""What an answer counts at least: its row and its file take room, however short it is."""
MEASURE_SECONDS = 60.0
"""How long the measured size of all answers is used."""


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
    def __init__(self, database: Database, leases: RequestLeases, bounds: Bounds) -> None:
        self._database = database
        self._leases = leases
        self._most = bounds.quota_mb * 1_000_000
        self._most_each = bounds.account_quota_mb * 1_000_000
        self._size = 0
        self._measured_at = -inf

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

    async def most_bytes(self) -> int:
        """The longest body that can be stored now."""
        if time.monotonic() > self._measured_at + MEASURE_SECONDS:
            self._measured_at = time.monotonic()
            self._size = await self._database.read(_measure)
        return min(self._most_each, max(0, self._most - self._size))

    async def finish(
        self,
        lease: RequestLease,
        fingerprint: str,
        status: int,
        headers: Mapping[str, str],
        body: str,
        ttl: float,
        size: int = 0,
        conversation: str | None = None,
    ) -> list[str]:
        """Store the answer for `ttl` seconds, and delete the account's oldest ones beyond its share.

        size: bytes of the body, at most `most_bytes`. conversation: id of the one that it belongs to.

        → paths of the body files that the caller has to delete: this one's, if another request has
        claimed the key since.
        """
        answer = {"fingerprint": fingerprint, "status": status, "headers": json.dumps(dict(headers)), "body": body}
        row = {**answer, "expires_at": time.time() + ttl, "size": max(size, LEAST_BYTES), "conversation": conversation}
        try:
            return await self._database.write(_finish, lease.id, row, self._most_each)
        finally:
            self._leases.end(lease.id)

    async def abandon(self, lease: RequestLease) -> None:
        """Delete the entry of a request that failed, so that a repeat is executed again."""
        try:
            await self._database.write(_abandon, lease.id)
        finally:
            self._leases.end(lease.id)

    async def forget(self, account: str, conversation: str) -> list[str]:
        """Delete the answers of a conversation. → paths of the body files that the caller has to delete."""
        return await self._database.write(_forget, account, conversation)

    async def expire(self) -> list[str]:
        """Delete expired entries. → paths of the body files that the caller has to delete."""
        return await self._database.write(_expire, time.time())


_SAME = (idempotency.c.account == bindparam("for_account"), idempotency.c.key == bindparam("for_key"))
_GET = select(
    idempotency.c.fingerprint, idempotency.c.state, idempotency.c.status, idempotency.c.headers, idempotency.c.body
).where(*_SAME)
_CLAIMED = (idempotency.c.id == bindparam("claim"), KEYS.unfinished)
_FINISH = update(idempotency).where(*_CLAIMED).returning(idempotency.c.account)
_MEASURE = select(func.coalesce(func.sum(idempotency.c.size), 0))
_NEWEST_FIRST = (idempotency.c.expires_at.desc(), idempotency.c.key)
_TOTALS = (
    select(idempotency.c.key, func.sum(idempotency.c.size).over(order_by=_NEWEST_FIRST).label("total"))
    .where(idempotency.c.account == bindparam("of"), idempotency.c.state == DONE)
    .subquery()
)
"""Each answer of an account, and the size of it and all newer ones."""
_SHED = (
    delete(idempotency)
    .where(idempotency.c.account == bindparam("of"))
    .where(idempotency.c.key.in_(select(_TOTALS.c.key).where(_TOTALS.c.total > bindparam("most"))))
    .returning(idempotency.c.body)
)
_ABANDON = delete(idempotency).where(*_CLAIMED)
_FORGET = (
    delete(idempotency)
    .where(idempotency.c.account == bindparam("of"), idempotency.c.conversation == bindparam("about"))
    .returning(idempotency.c.body)
)
_RETIRE = (
    update(idempotency)
    .where(*_SAME, idempotency.c.expires_at <= bindparam("now"), idempotency.c.body.is_not(None))
    .values(key=bindparam("retired"))
)
"""Leaves an expired answer to `expire`, which has its file deleted, and its key to others."""
_EXPIRE = delete(idempotency).where(idempotency.c.expires_at <= bindparam("now")).returning(idempotency.c.body)


def _begin(connection: Connection, account: str, key: str, expires_at: float, lease: RequestLease) -> Answer | None:
    now = time.time()
    fresh = {"fingerprint": "", "state": RUNNING, "expires_at": expires_at, "size": 0, **asdict(lease)}
    empty = {"status": None, "headers": None, "body": None, "conversation": None}
    row = {"account": account, "key": key, **fresh, **empty}
    retired = f"expired {token_hex(16)}"
    connection.execute(_RETIRE, {"for_account": account, "for_key": key, "now": now, "retired": retired})
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


def _finish(connection: Connection, claim: str, row: Mapping[str, Any], most: int) -> list[str]:
    account = connection.scalar(_FINISH, {"claim": claim, "state": DONE, **row})
    if account is None:
        return [row["body"]]
    return list(connection.scalars(_SHED, {"of": account, "most": most}))


def _measure(connection: Connection) -> int:
    return int(connection.scalar(_MEASURE) or 0)


def _abandon(connection: Connection, claim: str) -> None:
    connection.execute(_ABANDON, {"claim": claim})


def _forget(connection: Connection, account: str, conversation: str) -> list[str]:
    return [body for body in connection.scalars(_FORGET, {"of": account, "about": conversation}) if body]


def _expire(connection: Connection, now: float) -> list[str]:
    return [body for body in connection.scalars(_EXPIRE, {"now": now}) if body]
