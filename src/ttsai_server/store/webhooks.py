"""The log of webhooks: deliveries, and the attempts to send each.

Writing either twice changes nothing: a delivery is recognised by its id, an attempt by its number. So an attempt that
is repeated because its server died is logged once.
"""

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, select, tuple_, update

from ttsai_server.store.db import Database, insert_new
from ttsai_server.store.tables import webhook_attempts, webhook_deliveries

PENDING = "pending"
DELIVERED = "delivered"
FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Attempt:
    number: int
    """From 1."""
    at: float
    """Unix seconds."""
    seconds: float
    """Duration."""
    status: int | None
    """HTTP status; None if no answer came."""
    error: str | None
    """Why it failed; None if it did not."""
    excerpt: str
    """The beginning of the response body."""


@dataclass(frozen=True, slots=True)
class Delivery:
    id: str
    """`msg_…`: the `webhook-id` of every attempt, by which receivers recognise a repeat."""
    account: str
    task: str
    event: str
    """task.completed | task.failed."""
    url: str
    payload: str
    """The body, JSON: the same bytes in every attempt."""
    state: str = PENDING
    """pending | delivered | failed."""
    created_at: float = 0
    """Unix seconds."""
    next_attempt: float | None = None
    """Unix seconds; None if there will be no further attempt."""
    attempts: tuple[Attempt, ...] = ()
    """Oldest first."""


class WebhookLog:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, delivery: Delivery) -> None:
        """Log a delivery whose first attempt is due now. Does nothing if its id exists."""
        await self._database.write(enter, delivery)

    async def get(self, delivery: str) -> Delivery | None:
        """The delivery; None if it is unknown or was purged."""
        return await self._database.read(_get, delivery)

    async def list(self, account: str, limit: int, before: str | None = None) -> list[Delivery]:
        """An account's deliveries, newest first, at most `limit`; with `before`, a delivery's id, only older ones.

        Empty if `before` is not a delivery of this account.
        """
        return await self._database.read(_list, account, limit, before)

    async def record(self, delivery: str, attempt: Attempt, state: str, next_attempt: float | None) -> None:
        """Log an attempt and the delivery's state after it. next_attempt: Unix seconds; None for no further one.

        Changes nothing if the attempt was logged before. A delivery that is no longer pending keeps its state.
        """
        await self._database.write(_record, delivery, attempt, state, next_attempt)

    async def purge(self, before: float) -> int:
        """Delete deliveries created before a Unix time. → how many."""
        return await self._database.write(_purge, before)


COLUMNS = [webhook_deliveries.c[field.name] for field in fields(Delivery) if field.name != "attempts"]
_BY_ID = select(*COLUMNS).where(webhook_deliveries.c.id == bindparam("delivery"))
_OF = select(*COLUMNS).where(webhook_deliveries.c.account == bindparam("of"))
_AGE = (webhook_deliveries.c.created_at, webhook_deliveries.c.id)
_NEWEST = _OF.order_by(*(column.desc() for column in _AGE)).limit(bindparam("limit"))
_CURSOR = select(*_AGE).where(
    webhook_deliveries.c.id == bindparam("before"), webhook_deliveries.c.account == bindparam("of")
)
_OLDER = _NEWEST.where(tuple_(*_AGE) < _CURSOR.scalar_subquery())
_ATTEMPTS = (
    select(webhook_attempts)
    .where(webhook_attempts.c.delivery.in_(bindparam("deliveries", expanding=True)))
    .order_by(webhook_attempts.c.number)
)
_ADVANCE = (
    update(webhook_deliveries)
    .where(webhook_deliveries.c.id == bindparam("delivery"), webhook_deliveries.c.state == PENDING)
    .values(state=bindparam("then"), next_attempt=bindparam("next"), holder=None, lease_until=None)
)
_PURGE = delete(webhook_deliveries).where(webhook_deliveries.c.created_at < bindparam("before"))


def enter(connection: Connection, delivery: Delivery) -> None:
    """`WebhookLog.open` inside a transaction of the caller: the one that ends the job."""
    now = time.time()
    row = asdict(delivery) | {"state": PENDING, "created_at": now, "next_attempt": now}
    del row["attempts"]
    connection.execute(insert_new(connection, webhook_deliveries).values(row).on_conflict_do_nothing())


def _get(connection: Connection, delivery: str) -> Delivery | None:
    found = deliveries(connection, _BY_ID, {"delivery": delivery})
    return found[0] if found else None


def _list(connection: Connection, account: str, limit: int, before: str | None) -> list[Delivery]:
    if before is None:
        return deliveries(connection, _NEWEST, {"of": account, "limit": limit})
    return deliveries(connection, _OLDER, {"of": account, "limit": limit, "before": before})


def deliveries(connection: Connection, query: Select[Any], values: Mapping[str, object]) -> list[Delivery]:
    """The deliveries that a query for COLUMNS returns, each with its attempts."""
    rows = connection.execute(query, values).all()
    attempts = defaultdict[str, list[Attempt]](list)
    for delivery, *attempt in connection.execute(_ATTEMPTS, {"deliveries": [row.id for row in rows]}):
        attempts[delivery].append(Attempt(*attempt))
    return [Delivery(**row._mapping, attempts=tuple(attempts[row.id])) for row in rows]


def _record(connection: Connection, delivery: str, attempt: Attempt, state: str, next_attempt: float | None) -> None:
    row = {"delivery": delivery, **asdict(attempt)}
    new = insert_new(connection, webhook_attempts).values(row).on_conflict_do_nothing()
    if connection.execute(new).rowcount:
        connection.execute(_ADVANCE, {"delivery": delivery, "then": state, "next": next_attempt})


def _purge(connection: Connection, before: float) -> int:
    return connection.execute(_PURGE, {"before": before}).rowcount
