"""What administrators do with accounts and keys; the command line and /v1/admin/ both use it. With models:
`model_administration`.

Each change is written to the audit log, in its own transaction. `by` is who makes it: the id of a key; `cli:NAME`, a
user of the command line; or `console`, a user of a server without keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ttsai_server.errors import BadRequest
from ttsai_server.services.accounts import Accounts, check_origins
from ttsai_server.settings import Plan, Settings
from ttsai_server.store.accounts import Account
from ttsai_server.store.accounts import Accounts as StoredAccounts
from ttsai_server.store.audit import AuditLog, Entry, Facts
from ttsai_server.store.db import Database
from ttsai_server.store.keys import PUBLISHABLE, SECRET, Key, KeyChanges, Keys
from ttsai_server.store.ledger import KeyUsage


@dataclass(frozen=True, slots=True)
class NewKey:
    kind: str = SECRET
    """secret | publishable."""
    label: str = ""
    """What it is for."""
    origins: tuple[str, ...] = ()
    """Web origins from which a publishable key works."""
    expires_at: float | None = None
    """Unix seconds; None: never."""
    admin: bool = False
    """Whether it may administer the server. Only the command line makes such keys."""

    def check(self) -> None:
        """Raises BadRequest for invalid origins, or a publishable key for administrators."""
        check_origins(self.kind == PUBLISHABLE, self.origins)
        if self.admin and self.kind == PUBLISHABLE:
            raise BadRequest("A publishable key can't be for administrators.")


class Administration:
    def __init__(self, settings: Settings, database: Database, accounts: Accounts) -> None:
        """accounts: those that know the callers of this server."""
        self._plans = settings.plans
        self._database = database
        self._accounts = accounts
        self._audit = AuditLog(database)

    @property
    def plans(self) -> Mapping[str, Plan]:
        """Name → plan, of those that accounts can have."""
        return self._plans

    async def accounts(self) -> list[Account]:
        """All accounts, oldest first."""
        return await StoredAccounts(self._database).list()

    async def account(self, account: str) -> Account:
        """Raises NotFound."""
        return await StoredAccounts(self._database).get(account)

    async def create_account(self, by: str, name: str, plan: str, credits: int) -> Account:
        """Create an account with an opening balance of `credits` >= 0. Raises BadRequest."""
        self.check_plan(plan)
        return await StoredAccounts(self._database, by).create(name, plan, credits)

    async def set_plan(self, by: str, account: str, plan: str) -> Account:
        """Move an account to another plan: at once here, within `auth.cache_seconds` on other servers.

        Raises NotFound or BadRequest.
        """
        self.check_plan(plan)
        changed = await StoredAccounts(self._database, by).set_plan(account, plan)
        self._accounts.forget(lambda caller: caller.account == account)
        return changed

    async def grant(self, by: str, account: str, credits: int, note: str) -> Account:
        """Add credits to an account, or take them back if negative, with a line in its ledger.

        Raises NotFound, or BadRequest if its balance would be negative or too large.
        """
        return await StoredAccounts(self._database, by).grant(account, credits, note)

    async def usage(self, account: str, days: int) -> list[KeyUsage]:
        """As `Accounts.usage_by_key`. Raises NotFound."""
        await self.account(account)
        return await self._accounts.usage_by_key(account, days)

    async def keys(self, account: str | None = None) -> list[Key]:
        """The keys of one account, or of all, oldest first; revoked ones included."""
        return await Keys(self._database).list(account)

    async def create_key(self, by: str, account: str, new: NewKey) -> tuple[Key, str]:
        """Create a checked key of any account. → it and its plain text, which can't be read again. Raises NotFound."""
        return await Keys(self._database, by).create(
            account, new.kind, new.label, new.origins, new.expires_at, admin=new.admin
        )

    async def restrict_key(self, by: str, key: str, changes: KeyChanges) -> Key:
        """Change a key of any account; raises as `Accounts.restrict`."""
        return await self._accounts.restrict(key, changes, by)

    async def revoke_key(self, by: str, key: str) -> Key:
        """Revoke a key of any account. Idempotent. Raises NotFound."""
        return await self._accounts.revoke(key, by)

    async def record(self, by: str, action: str, target: str, before: Facts | None, after: Facts | None) -> None:
        """As `AuditLog.record`."""
        await self._audit.record(by, action, target, before, after)

    async def audit(self, limit: int, before: int | None = None, target: str | None = None) -> list[Entry]:
        """As `AuditLog.list`."""
        return await self._audit.list(limit, before, target)

    def check_plan(self, plan: str) -> None:
        """Raises BadRequest if the settings have no such plan."""
        if plan not in self._plans:
            raise BadRequest(f"There is no plan {plan!r}; there are {', '.join(self._plans)}.", param="plan")
