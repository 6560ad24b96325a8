"""The secrets that sign an account's webhooks: one, and for some time after a rotation also the previous one.

Unlike an API key, a secret is stored in plain text, since a hash can't sign, and is not encrypted: protect the database
and its backups accordingly. A reader could send forged webhooks to the receivers, but can't use this server.
"""

import time
from base64 import b64encode
from dataclasses import dataclass, field
from secrets import token_bytes

from sqlalchemy import Connection, bindparam, select, update

from ttsai_server import errors
from ttsai_server.store.db import Database, insert_new
from ttsai_server.store.tables import accounts, webhook_secrets

START = "whsec_"
RANDOM_BYTES = 32
"""Random bytes of a secret; Standard Webhooks asks for 24 to 64."""


@dataclass(frozen=True, slots=True)
class Secret:
    secret: str = field(repr=False)
    """`whsec_` and base64."""
    created_at: float
    """Unix seconds."""
    previous: str | None = field(repr=False)
    """The previous secret, while it still signs too; else None."""
    previous_until: float | None
    """Unix seconds."""

    @property
    def signing(self) -> tuple[str, ...]:
        """All secrets that sign a message now."""
        return (self.secret, self.previous) if self.previous else (self.secret,)


class WebhookSecrets:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, account: str) -> Secret:
        """The account's secret, created on first use; concurrent callers get the same one. Raises NotFound."""
        return await self._database.read(_get, account) or await self._database.write(_make, account)

    async def rotate(self, account: str, keep_seconds: float) -> Secret:
        """Create a new secret; the one it replaces, but no older one, also signs for `keep_seconds`. Raises NotFound.

        To stop using a leaked secret at once, rotate twice.
        """
        return await self._database.write(_rotate, account, time.time() + keep_seconds)


_ROW = [column for column in webhook_secrets.c if column.name != "account"]
_OF = webhook_secrets.c.account == bindparam("of")
_GET = select(*_ROW).where(_OF)
_ROTATE = (
    update(webhook_secrets)
    .where(_OF)
    .values(
        previous=webhook_secrets.c.secret,
        previous_until=bindparam("until"),
        secret=bindparam("new"),
        created_at=bindparam("now"),
    )
)
_KNOWN = select(accounts.c.id).where(accounts.c.id == bindparam("of"))


def _get(connection: Connection, account: str) -> Secret | None:
    row = connection.execute(_GET, {"of": account}).one_or_none()
    if row is None:
        return None
    found = Secret(*row)
    expired = found.previous_until is None or found.previous_until <= time.time()
    return Secret(found.secret, found.created_at, None, None) if expired else found


def _make(connection: Connection, account: str) -> Secret:
    if connection.scalar(_KNOWN, {"of": account}) is None:
        raise errors.NotFound(f"No account {account!r}.")
    row = {"account": account, "secret": _new(), "created_at": time.time()}
    connection.execute(insert_new(connection, webhook_secrets).values(row).on_conflict_do_nothing())
    secret = _get(connection, account)
    assert secret, "the row exists: inserted here, or by a concurrent caller"
    return secret


def _rotate(connection: Connection, account: str, until: float) -> Secret:
    _make(connection, account)
    connection.execute(_ROTATE, {"of": account, "new": _new(), "now": time.time(), "until": until})
    return _make(connection, account)


def _new() -> str:
    return START + b64encode(token_bytes(RANDOM_BYTES)).decode()
