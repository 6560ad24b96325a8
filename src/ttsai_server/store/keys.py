"""API keys: shown once, then stored only as a hash.

A key has 32 random base62 characters, over 190 bits, so it can't be guessed from its hash, however fast the hash is.
So one SHA-256 suffices, without the salt and slowness that passwords need, and one query finds a key by its hash.
"""

import json
import time
from dataclasses import asdict, dataclass
from hashlib import sha256
from secrets import choice, token_hex
from string import ascii_letters, digits
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, insert, select, update

from ttsai_server import errors
from ttsai_server.store import audit
from ttsai_server.store.db import Database
from ttsai_server.store.tables import accounts, keys

SECRET = "secret"
PUBLISHABLE = "publishable"
STARTS = {SECRET: "sk-tts-", PUBLISHABLE: "pk-tts-"}
"""Kind → the prefix of its keys."""
RANDOM = 32
"""Number of random characters in a key."""
SHOWN = 4
"""How many of them are stored and shown, so that users recognise a key; the rest still has over 166 bits."""


@dataclass(frozen=True, slots=True)
class Key:
    id: str
    account: str
    kind: str
    """secret | publishable."""
    prefix: str
    """Its first characters, as `sk-tts-Ab3d`."""
    label: str
    origins: tuple[str, ...]
    """Web origins that a publishable key may be used from."""
    created_at: float
    """Unix seconds, like those below."""
    expires_at: float | None
    revoked_at: float | None
    used_at: float | None
    """When it was last used, to the hour."""
    admin: bool = False
    """Whether it may administer the server; see `services.administration`."""


@dataclass(frozen=True, slots=True)
class KeyChanges:
    """What is to change of a key; None: that stays."""

    label: str | None = None
    origins: tuple[str, ...] | None = None
    expires_at: float | None = None
    """Unix seconds."""


class Keys:
    def __init__(self, database: Database, by: str = audit.SERVER) -> None:
        """by: who makes the changes, for the audit log."""
        self._database = database
        self._by = by

    async def create(
        self,
        account: str,
        kind: str = SECRET,
        label: str = "",
        origins: tuple[str, ...] = (),
        expires_at: float | None = None,
        *,
        admin: bool = False,
    ) -> tuple[Key, str]:
        """Create a key. → it and its plain text, which can't be read again. Raises NotFound for an unknown account."""
        return await self._database.write(create, self._by, account, kind, label, origins, expires_at, admin=admin)

    async def list(self, account: str | None = None) -> list[Key]:
        """The keys of one account, or of all, oldest first; revoked ones included."""
        return await self._database.read(_list, account)

    async def restrict(self, key: str, changes: KeyChanges, account: str | None = None) -> Key:
        """Change a key. Raises NotFound, also for a key of another account.

        Raises BadRequest for a key that was revoked or has expired, and for one that is to live longer than it would.
        """
        return await self._database.write(_restrict, self._by, key, changes, account)

    async def revoke(self, key: str, account: str | None = None) -> Key:
        """Revoke a key; a second call keeps the first time. Raises NotFound, also for a key of another account."""
        return await self._database.write(_revoke, self._by, key, account)

    async def get(self, key: str, account: str | None = None) -> Key:
        """A key by its id. Raises NotFound, also for a key of another account."""
        return await self._database.read(_get, key, account)

    async def find(self, plain: str) -> tuple[Key, str] | None:
        """The key with this plain text, even if revoked or expired, and its account's plan; None if unknown."""
        return await self._database.read(_find, _digest(plain))

    async def origins(self) -> set[str]:
        """Web origins of all publishable keys that are neither revoked nor expired."""
        return await self._database.read(_origins)

    async def touch(self, key: str) -> None:
        """Set the key's time of last use to now."""
        await self._database.write(_touch, key)


_COLUMNS = [column for column in keys.c if column.name != "hash"]
_LIST = select(*_COLUMNS).order_by(keys.c.created_at, keys.c.id)
_FIND = select(*_COLUMNS, accounts.c.plan).join(accounts).where(keys.c.hash == bindparam("digest"))
_KNOWN = select(accounts.c.id).where(accounts.c.id == bindparam("account"))
_UPDATE = update(keys).where(keys.c.id == bindparam("key"))

_ORIGINS = select(keys.c.origins).where(
    keys.c.kind == PUBLISHABLE,
    keys.c.revoked_at.is_(None),
    keys.c.expires_at.is_(None) | (keys.c.expires_at > bindparam("now")),
)
_TOUCH = _UPDATE.values(used_at=bindparam("now"))
_BY_ID = select(*_COLUMNS).where(keys.c.id == bindparam("key"))
_LOCKED = _BY_ID.with_for_update()


def create(
    connection: Connection,
    by: str,
    account: str,
    kind: str,
    label: str,
    origins: tuple[str, ...],
    expires_at: float | None,
    *,
    admin: bool = False,
) -> tuple[Key, str]:
    """`Keys.create` inside a transaction of the caller. by: who makes it, for the audit log."""
    if connection.scalar(_KNOWN, {"account": account}) is None:
        raise errors.NotFound(f"No account {account!r}.")
    plain = STARTS[kind] + "".join(choice(ascii_letters + digits) for _ in range(RANDOM))
    row: dict[str, object] = {
        "id": f"key_{token_hex(8)}",
        "account": account,
        "kind": kind,
        "prefix": plain[: len(STARTS[kind]) + SHOWN],
        "label": label,
        "origins": json.dumps(origins),
        "created_at": time.time(),
        "expires_at": expires_at,
        "admin": admin,
    }
    connection.execute(insert(keys), {**row, "hash": _digest(plain)})
    made = _get(connection, str(row["id"]))
    audit.enter(connection, by, "key.create", made.id, None, _facts(made))
    return made, plain


def _list(connection: Connection, account: str | None) -> list[Key]:
    wanted = _LIST if account is None else _LIST.where(keys.c.account == account)
    return [_key(row) for row in connection.execute(wanted)]


def _restrict(connection: Connection, by: str, key: str, changes: KeyChanges, account: str | None) -> Key:
    before = _get(connection, key, account, _LOCKED)
    if before.revoked_at or (before.expires_at and before.expires_at <= time.time()):
        raise errors.BadRequest(f"{key} has been revoked, or has expired.")
    if changes.expires_at and before.expires_at and changes.expires_at > before.expires_at:
        raise errors.BadRequest(f"{key} expires before that, and stays so.", param="expires_in_days")
    values: dict[str, object] = {name: value for name, value in asdict(changes).items() if value is not None}
    if changes.origins is not None:
        values["origins"] = json.dumps(changes.origins)
    return _change(connection, by, "key.restrict", before, values)


def _revoke(connection: Connection, by: str, key: str, account: str | None) -> Key:
    before = _get(connection, key, account, _LOCKED)
    return _change(connection, by, "key.revoke", before, {"revoked_at": before.revoked_at or time.time()})


def _change(connection: Connection, by: str, action: str, before: Key, values: dict[str, object]) -> Key:
    if values:
        connection.execute(_UPDATE.values(values), {"key": before.id})
    after = _get(connection, before.id)
    audit.enter(connection, by, action, before.id, _facts(before), _facts(after))
    return after


def _facts(key: Key) -> audit.Facts:
    """A key as the audit log records it: every field except the time of its last use."""
    return {name: value for name, value in asdict(key).items() if name != "used_at"} | {"origins": list(key.origins)}


def _touch(connection: Connection, key: str) -> None:
    connection.execute(_TOUCH, {"key": key, "now": time.time()})


def _get(connection: Connection, key: str, account: str | None = None, query: Select[Any] = _BY_ID) -> Key:
    row = connection.execute(query, {"key": key}).one_or_none()
    if row is None or account not in (None, row.account):
        raise errors.NotFound(f"No key {key!r}.")
    return _key(row)


def _origins(connection: Connection) -> set[str]:
    lists = connection.scalars(_ORIGINS, {"now": time.time()})
    return {origin for origins in lists for origin in json.loads(origins)}


def _find(connection: Connection, digest: str) -> tuple[Key, str] | None:
    row = connection.execute(_FIND, {"digest": digest}).one_or_none()
    return (_key(row), row.plan) if row else None


def _key(row: Row[Any]) -> Key:
    id, account, kind, prefix, label, origins, *rest = row[: len(_COLUMNS)]
    return Key(id, account, kind, prefix, label, tuple(json.loads(origins)), *rest)


def _digest(plain: str) -> str:
    return sha256(plain.encode()).hexdigest()
