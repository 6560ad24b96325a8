"""What an account's webhooks are signed with: one secret, and for a while after a rotation the one before it.

Unlike a key, a secret is kept as it is, since a hash can't sign, and is not encrypted: keep the database and its copies
as safe as the secrets. Who reads them can pass for this server at the receivers, and do nothing here.
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
    """The one before it, that still signs too; None once its time is over."""
    previous_until: float | None
    """Unix seconds."""

    @property
    def signing(self) -> tuple[str, ...]:
        """Every secret that a message is signed with now."""
        return (self.secret, self.previous) if self.previous else (self.secret,)


class WebhookSecrets:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, account: str) -> Secret:
        """The account's secret, made at its first asking; of callers at once all get the same. Raises NotFound."""
        return await self._database.read(_get, account) or await self._database.write(_make, account)

    async def rotate(self, account: str, keep_seconds: float) -> Secret:
        """A new secret; the one it takes the place of signs too for `keep_seconds`, and no older one. Raises NotFound.

        To drop a secret that leaked at once, rotate twice.
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
    over = found.previous_until is None or found.previous_until <= time.time()
    return Secret(found.secret, found.created_at, None, None) if over else found


def _make(connection: Connection, account: str) -> Secret:
    if connection.scalar(_KNOWN, {"of": account}) is None:
        raise errors.NotFound(f"No account {account!r}.")
    row = {"account": account, "secret": _new(), "created_at": time.time()}
    connection.execute(insert_new(connection, webhook_secrets).values(row).on_conflict_do_nothing())
    made = _get(connection, account)
    assert made, "the row is there: made here, or by who made it first"
    return made


def _rotate(connection: Connection, account: str, until: float) -> Secret:
    _make(connection, account)
    connection.execute(_ROTATE, {"of": account, "new": _new(), "now": time.time(), "until": until})
    return _make(connection, account)


def _new() -> str:
    return START + b64encode(token_bytes(RANDOM_BYTES)).decode()
