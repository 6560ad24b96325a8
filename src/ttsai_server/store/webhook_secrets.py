"""The secrets that sign an account's webhooks: one, and for some time after a rotation also the previous one.

A hash, as of an API key, can't sign, so they are stored encrypted: see `secret_box`.
"""

import time
from base64 import b64encode
from dataclasses import dataclass, field, replace
from secrets import token_bytes

from sqlalchemy import Connection, bindparam, select, update

from ttsai_server import errors
from ttsai_server.store import audit
from ttsai_server.store.db import Database, insert_new
from ttsai_server.store.secret_box import SecretBox
from ttsai_server.store.tables import accounts, webhook_secrets

START = "whsec_"
RANDOM_BYTES = 32
"""Random bytes of a secret; Standard Webhooks asks for 24 to 64."""


@dataclass(frozen=True, slots=True)
class Secret:
    secret: str = field(repr=False)
    """`whsec_` and base64; encrypted in the database."""
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
    def __init__(self, database: Database, box: SecretBox) -> None:
        self._database = database
        self._box = box

    async def get(self, account: str) -> Secret:
        """The account's secret, created on first use; concurrent callers get the same. Raises NotFound or NotReady."""
        found = await self._database.read(_get, account) or await self._database.write(_make, account, self._new())
        return self._opened(found)

    async def rotate(self, account: str, keep_seconds: float, by: str) -> Secret:
        """Create a new secret; the one it replaces, but no older one, also signs for `keep_seconds`. Raises NotFound.

        by: who does so, for the audit log. To stop using a leaked secret at once, rotate twice.
        """
        until = time.time() + keep_seconds
        return self._opened(await self._database.write(_rotate, account, until, self._new(), by))

    async def encrypt_plain(self) -> None:
        """Encrypt what earlier versions stored in plain text."""
        await self._database.write(_encrypt_plain, self._box)

    def _new(self) -> str:
        return self._box.seal(START + b64encode(token_bytes(RANDOM_BYTES)).decode())

    def _opened(self, found: Secret) -> Secret:
        """Raises NotReady if it was encrypted with another key."""
        previous = self._box.open(found.previous) if found.previous else None
        return replace(found, secret=self._box.open(found.secret), previous=previous)


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
_PLAIN = select(webhook_secrets.c.account, webhook_secrets.c.secret, webhook_secrets.c.previous).where(
    webhook_secrets.c.secret.startswith(START)
)
_KNOWN = select(accounts.c.id).where(accounts.c.id == bindparam("of"))


def _get(connection: Connection, account: str) -> Secret | None:
    row = connection.execute(_GET, {"of": account}).one_or_none()
    if row is None:
        return None
    found = Secret(*row)
    expired = found.previous_until is None or found.previous_until <= time.time()
    return Secret(found.secret, found.created_at, None, None) if expired else found


def _make(connection: Connection, account: str, new: str) -> Secret:
    if connection.scalar(_KNOWN, {"of": account}) is None:
        raise errors.NotFound(f"No account {account!r}.")
    row = {"account": account, "secret": new, "created_at": time.time()}
    connection.execute(insert_new(connection, webhook_secrets).values(row).on_conflict_do_nothing())
    secret = _get(connection, account)
    assert secret, "the row exists: inserted here, or by a concurrent caller"
    return secret


def _rotate(connection: Connection, account: str, until: float, new: str, by: str) -> Secret:
    before = _make(connection, account, new)
    connection.execute(_ROTATE, {"of": account, "new": new, "now": time.time(), "until": until})
    after = _make(connection, account, new)
    audit.enter(connection, by, "webhook_secret.rotate", account, _facts(before), _facts(after))
    return after


def _facts(secret: Secret) -> audit.Facts:
    """For the audit log, which has no secrets."""
    return {"created_at": secret.created_at, "previous_until": secret.previous_until}


def _encrypt_plain(connection: Connection, box: SecretBox) -> None:
    for account, secret, previous in connection.execute(_PLAIN).all():
        sealed = {"secret": box.seal(secret), "previous": box.seal(previous) if previous else None}
        connection.execute(update(webhook_secrets).where(webhook_secrets.c.account == account).values(sealed))
