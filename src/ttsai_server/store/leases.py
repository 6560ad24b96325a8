"""Leases: which process works on a row, and until when the others leave it alone.

A row to be worked on is in one of three states, and a way leads out of each without anybody's memory:

    free      no lease, or one that is over: any process may claim it
    running   leased by a process that lives, works on it and renews the lease
    orphaned  leased by a process that lives and does not work on it, since the answer to its claim or the end of its
              work was lost with a connection: the process finds it at its next renewal, and hands it back

A process that dies renews nothing: its rows are free when their leases are over, or at once when a process of the same
node starts. Each method is, or is part of, one transaction.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from secrets import token_hex

from sqlalchemy import BindParameter, ColumnElement, Connection, Table, Update, func, or_, update

TOKEN = 16
"""Characters that tell the processes of a node apart, before its name."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that claims rows."""

    node: str
    """Name of its server, the same at each start."""
    process: str
    """Unlike any other process's, also of the same node."""
    seconds: float
    """How long its leases last if they are not renewed."""

    @classmethod
    def of(cls, node: str, seconds: float) -> "Holder":
        """This process, as the holder of a node's rows."""
        return cls(node, f"{token_hex(TOKEN // 2)}/{node}", seconds)


@dataclass(frozen=True, slots=True)
class Leases:
    """The leases of one table, which has the columns id, holder and lease_until."""

    table: Table
    todo: ColumnElement[bool]
    """Which rows can be leased: those that are not done."""
    on_return: Mapping[str, object] = field(default_factory=dict[str, object])
    """Columns to set when the holder, which lives, hands a row back."""

    def is_free(self, now: float | BindParameter[float]) -> ColumnElement[bool]:
        """Nobody works on the row, or who did has died. now: Unix seconds."""
        return or_(self.table.c.lease_until.is_(None), self.table.c.lease_until < now)

    def renew(self, connection: Connection, holder: Holder, running: Collection[str], now: float) -> set[str]:
        """Renew the leases of the rows that the holder works on, and hand back others that it has.

        → the ids of those that it is to go on with: neither done nor taken over by another process.
        """
        self.hand_back(connection, holder, running)
        held = self._held_by(holder).where(self.table.c.id.in_(running))
        return set(connection.scalars(held.values(lease_until=now + holder.seconds).returning(self.table.c.id)))

    def hand_back(self, connection: Connection, holder: Holder, running: Collection[str] = ()) -> int:
        """Free the rows that the holder has, but for those that it is `running`. → how many."""
        given_up = self._held_by(holder).where(self.table.c.id.not_in(running))
        return connection.execute(given_up.values({"holder": None, "lease_until": None, **self.on_return})).rowcount

    def release(self, connection: Connection, node: str) -> int:
        """Free the rows of a node's earlier processes, which must have died. → how many."""
        of_node = func.substr(self.table.c.holder, TOKEN + 2) == node
        freed = update(self.table).where(self.todo, of_node).values(holder=None, lease_until=None)
        return connection.execute(freed).rowcount

    def _held_by(self, holder: Holder) -> Update:
        return update(self.table).where(self.todo, self.table.c.holder == holder.process)
