"""Servers that do jobs: each one's sign of life, and who takes over from the dead."""

import time

from sqlalchemy import Connection, bindparam, delete, select, update

from ttsai_server.store.db import insert_new
from ttsai_server.store.tables import nodes

TAKING_SECONDS = 30.0
"""After so long another server takes over: who set out to may have died too."""

_TAKE = (
    update(nodes)
    .where(
        nodes.c.id.in_(
            select(nodes.c.id).where(
                nodes.c.seen_at < bindparam("before"),
                nodes.c.taken_at < bindparam("now") - TAKING_SECONDS,
                nodes.c.id != bindparam("by"),
            )
        )
    )
    .values(taken_at=bindparam("now"))
    .returning(nodes.c.id)
)


def beat(connection: Connection, node: str) -> None:
    """It is alive now."""
    now = time.time()
    row = insert_new(connection, nodes).values(id=node, seen_at=now, taken_at=0.0)
    connection.execute(row.on_conflict_do_update(index_elements=["id"], set_={"seen_at": now}))


def forget(connection: Connection, before: float) -> None:
    """Drop servers that gave their last sign before a Unix time, and left nothing."""
    connection.execute(delete(nodes).where(nodes.c.seen_at < before))


def take_over(connection: Connection, node: str, dead_seconds: float) -> list[str]:
    """Servers that gave no sign for so long; of those that ask at once, `node` or another gets each."""
    now = time.time()
    return list(connection.scalars(_TAKE, {"before": now - dead_seconds, "now": now, "by": node}))
