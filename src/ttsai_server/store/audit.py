"""The audit log: who has changed which account, key or model, and when. The database refuses to change its rows."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from ttsai_server.store.db import Database
from ttsai_server.store.tables import audit

SERVER = "server"
"""Who makes the changes that nobody has asked for, such as the first account."""
Facts = Mapping[str, Any]
"""What is known of a target; can be written as JSON."""


@dataclass(frozen=True, slots=True)
class Entry:
    id: int
    """Later entries have higher ones."""
    at: float
    """Unix seconds."""
    actor: str
    """Who: the id of a key; `cli:NAME`, a user of the command line; `console`, a user of a server without keys;
    `server`."""
    action: str
    """What was done, such as `key.revoke`."""
    target: str
    """To what: the id of an account, a key or a model."""
    before: Facts | None
    """What has changed, as it was; None if nothing of it was there."""
    after: Facts | None
    """The same, as it has become."""


class AuditLog:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, by: str, action: str, target: str, before: Facts | None, after: Facts | None) -> None:
        """Add an entry for a change outside the database; see `enter`."""
        await self._database.write(enter, by, action, target, before, after)

    async def list(self, limit: int, before: int | None = None, target: str | None = None) -> list[Entry]:
        """The newest entries, at most `limit`; with `before`, an entry's id, only older ones; those of one target."""
        return await self._database.read(_list, limit, before, target)


_ENTER = insert(audit)
_NEWEST = select(audit).order_by(audit.c.id.desc()).limit(bindparam("limit"))


def enter(connection: Connection, by: str, action: str, target: str, before: Facts | None, after: Facts | None) -> None:
    """Add an entry, in the transaction that makes the change; nothing if nothing has changed.

    before, after: the target's facts; what is the same in both is left out.
    """
    if before == after:
        return
    same = {name for name, value in (before or {}).items() if after and after.get(name, ...) == value}
    row = {"actor": by, "action": action, "target": target}
    differing = {"before": _without(same, before), "after": _without(same, after)}
    connection.execute(_ENTER, {"at": time.time(), **row, **differing})


def _without(names: set[str], facts: Facts | None) -> Facts | None:
    return None if facts is None else {name: value for name, value in facts.items() if name not in names}


def _list(connection: Connection, limit: int, before: int | None, target: str | None) -> list[Entry]:
    wanted = _NEWEST if target is None else _NEWEST.where(audit.c.target == target)
    rows = connection.execute(wanted if before is None else wanted.where(audit.c.id < before), {"limit": limit})
    return [Entry(*row) for row in rows]
