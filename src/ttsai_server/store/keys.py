"""API keys: shown once, then stored only as a hash.

A key has 32 random base62 characters, over 190 bits, so it can't be guessed from its hash, however fast the hash is.
So one SHA-256 suffices, without the salt and slowness that passwords need, and one query finds a key by its hash.
"""

import json
import time
from dataclasses import dataclass
from hashlib import sha256
from secrets import choice, token_hex
from string import ascii_letters, digits
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from ttsai_server import errors
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


class Keys:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self,
        account: str,
        kind: str = SECRET,
        label: str = "",
        origins: tuple[str, ...] = (),
        expires_at: float | None = None,
    ) -> tuple[Key, str]:
        """Create a key. → it and its plain text, which can't be read again. Raises NotFound for an unknown account."""
        return await self._database.write(create, account, kind, label, origins, expires_at)

    async def list(self, account: str | None = None) -> list[Key]:
        """The keys of one account, or of all, oldest first; revoked ones included."""
        return await self._database.read(_list, account)

    async def revoke(self, key: str, account: str | None = None) -> Key:
        """Revoke a key; a second call keeps the first time. Raises NotFound, also for a key of another account."""
        return await self._database.write(_revoke, key, account)

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
_REVOKE = _UPDATE.where(keys.c.revoked_at.is_(None)).values(revoked_at=bindparam("now"))
_ORIGINS = select(keys.c.origins).where(
    keys.c.kind == PUBLISHABLE,
    keys.c.revoked_at.is_(None),
    keys.c.expires_at.is_(None) | (keys.c.expires_at > bindparam("now")),
)
_TOUCH = _UPDATE.values(used_at=bindparam("now"))
_BY_ID = select(*_COLUMNS).where(keys.c.id == bindparam("key"))


def create(
    connection: Connection, account: str, kind: str, label: str, origins: tuple[str, ...], expires_at: float | None
) -> tuple[Key, str]:
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
    }
    connection.execute(insert(keys), {**row, "hash": _digest(plain)})
    return _get(connection, str(row["id"])), plain


def _list(connection: Connection, account: str | None) -> list[Key]:
    wanted = _LIST if account is None else _LIST.where(keys.c.account == account)
    return [_key(row) for row in connection.execute(wanted)]


def _revoke(connection: Connection, key: str, account: str | None) -> Key:
    if account not in (None, _get(connection, key).account):
        raise _unknown(key)
    connection.execute(_REVOKE, {"key": key, "now": time.time()})
    return _get(connection, key)


def _touch(connection: Connection, key: str) -> None:
    connection.execute(_TOUCH, {"key": key, "now": time.time()})


def _get(connection: Connection, key: str) -> Key:
    row = connection.execute(_BY_ID, {"key": key}).one_or_none()
    if row is None:
        raise _unknown(key)
    return _key(row)


def _unknown(key: str) -> errors.NotFound:
    return errors.NotFound(f"No key {key!r}.")


def _origins(connection: Connection) -> set[str]:
    lists = connection.scalars(_ORIGINS, {"now": time.time()})
    return {origin for origins in lists for origin in json.loads(origins)}


def _find(connection: Connection, digest: str) -> tuple[Key, str] | None:
    row = connection.execute(_FIND, {"digest": digest}).one_or_none()
    return (_key(row), row.plan) if row else None


def _key(row: Row[Any]) -> Key:
    id, account, kind, prefix, label, origins, *times = row[: len(_COLUMNS)]
    return Key(id, account, kind, prefix, label, tuple(json.loads(origins)), *times)


def _digest(plain: str) -> str:
    return sha256(plain.encode()).hexdigest()
