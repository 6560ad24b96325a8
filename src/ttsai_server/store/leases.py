"""Leases: which process works on a row, and until when other processes must not.

An unfinished row is in one of three states. The way out of each needs nothing but the database:

    free      no lease, or an expired one: any process may claim it
    running   leased by a living process, which works on it and renews the lease
    orphaned  leased by a living process that does not work on it, because the answer to its claim, or the update at
              the end of its work, was lost with a connection: the process hands it back at its next renewal

A process that dies renews nothing: its rows are free when their leases expire, or at once when a process of the same
node starts. Each method runs inside a transaction of the caller.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from secrets import token_hex

from sqlalchemy import BindParameter, ColumnElement, Connection, Table, Update, func, or_, update

TOKEN = 16
"""Length of the random prefix of `Holder.process`, hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that claims rows."""

    node: str
    """Name of its server; stays the same when the server restarts."""
    process: str
    """Unique id of the process, also among those of its node."""
    seconds: float
    """How long a lease lasts if it is not renewed."""

    @classmethod
    def of(cls, node: str, seconds: float) -> "Holder":
        """A holder with a new unique process id."""
        return cls(node, f"{token_hex(TOKEN // 2)}/{node}", seconds)


@dataclass(frozen=True, slots=True)
class Leases:
    """The leases of one table, which has the columns id, holder and lease_until."""

    table: Table
    unfinished: ColumnElement[bool]
    """Condition for rows that can be leased: those whose work is not finished."""
    on_return: Mapping[str, object] = field(default_factory=dict[str, object])
    """Columns to set when a living holder hands a row back."""

    def is_free(self, now: float | BindParameter[float]) -> ColumnElement[bool]:
        """Condition: the row has no lease, or an expired one. now: Unix seconds."""
        return or_(self.table.c.lease_until.is_(None), self.table.c.lease_until < now)

    def renew(self, connection: Connection, holder: Holder, running: Collection[str], now: float) -> set[str]:
        """Renew the holder's leases on the rows `running`, and hand back its other rows.

        → the ids of the rows to continue with: neither finished nor taken over by another process.
        """
        self.hand_back(connection, holder, running)
        return self.extend(connection, holder, running, now)

    def extend(self, connection: Connection, holder: Holder, running: Collection[str], now: float) -> set[str]:
        """Renew the holder's leases on the rows `running`. → the ids of those that it still holds."""
        held = self._held_by(holder).where(self.table.c.id.in_(running))
        return set(connection.scalars(held.values(lease_until=now + holder.seconds).returning(self.table.c.id)))

    def hand_back(self, connection: Connection, holder: Holder, running: Collection[str] = ()) -> int:
        """Free the holder's rows, except those in `running`. → how many."""
        given_up = self._held_by(holder).where(self.table.c.id.not_in(running))
        return connection.execute(given_up.values({"holder": None, "lease_until": None, **self.on_return})).rowcount

    def release(self, connection: Connection, node: str) -> int:
        """Free the rows that earlier processes of a node left, all of which must have ended. → how many."""
        of_node = func.substr(self.table.c.holder, TOKEN + 2) == node
        freed = update(self.table).where(self.unfinished, of_node).values(lease_until=0.0)
        return connection.execute(freed).rowcount

    def _held_by(self, holder: Holder) -> Update:
        return update(self.table).where(self.unfinished, self.table.c.holder == holder.process)
