"""Leases of what requests hold while they run: reserved credits and idempotency keys; see `leases`.

No other process continues a request whose lease has expired: its credits return, and its key can be claimed again.
"""

import time
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import Connection, literal_column

from ttsai_server.store.db import Database
from ttsai_server.store.leases import Holder, Leases
from ttsai_server.store.tables import idempotency, reservations

# literals, since neither database uses a partial index for a bound value
RESERVATIONS = Leases(reservations, reservations.c.state == literal_column("'open'"))
KEYS = Leases(idempotency, idempotency.c.state == literal_column("'running'"))


@dataclass(frozen=True, slots=True)
class RequestLease:
    """The columns of a row that a request holds."""

    id: str
    """Unique id of the row."""
    holder: str
    """The process, as `Holder.process`."""
    lease_until: float
    """Unix seconds."""


class RequestLeases:
    """The leases of this process's requests, in memory: renewed from `take` to `end`."""

    def __init__(self, database: Database, holder: Holder) -> None:
        self._database = database
        self._holder = holder
        self._running = set[str]()

    def take(self) -> RequestLease:
        """A lease for a row that the caller is about to insert, and to `end` whatever happens."""
        lease = RequestLease(uuid4().hex, self._holder.process, time.time() + self._holder.seconds)
        self._running.add(lease.id)
        return lease

    def end(self, id: str) -> None:
        """Stop renewing: the row is finished, or, if the database did not answer, expires by itself. Idempotent."""
        self._running.discard(id)

    async def expire_earlier(self) -> None:
        """Expire the leases of this node's earlier processes, all of which must have ended."""
        await self._database.write(_expire, self._holder.node)

    async def renew(self) -> None:
        """Renew all leases that have not ended. To be called several times within `Holder.seconds`."""
        if self._running:
            await self._database.write(_renew, self._holder, tuple(self._running), time.time())


def _expire(connection: Connection, node: str) -> None:
    for leases in (RESERVATIONS, KEYS):
        leases.release(connection, node)


def _renew(connection: Connection, holder: Holder, running: tuple[str, ...], now: float) -> None:
    for leases in (RESERVATIONS, KEYS):
        leases.extend(connection, holder, running, now)
