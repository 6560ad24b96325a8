"""Accounts: authentication, balance and usage, keys. What administrators do is in `administration`."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from ttsai_server.domain import Caller
from ttsai_server.errors import BadRequest, Forbidden, Unauthorized
from ttsai_server.settings import Settings
from ttsai_server.store.accounts import Accounts as StoredAccounts
from ttsai_server.store.db import Database
from ttsai_server.store.keys import PUBLISHABLE, RANDOM, Key, KeyChanges, Keys
from ttsai_server.store.ledger import DAY, KeyUsage, Ledger, UsageTotal

SHAPE = re.compile(rf"[sp]k-tts-[0-9A-Za-z]{{{RANDOM}}}")
MOST_CACHED = 10_000
"""Maximum number of keys in the cache."""
TOUCH_SECONDS = 3600.0
"""A key's time of last use is updated at most this often."""
FIRST_PLAN = "enterprise"
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
"""A web origin as browsers write it (RFC 6454 §6.2)."""
LONGEST_ORIGIN = 300
"""Characters."""
DEFAULT_PORT = re.compile(r"http://.*:80|https://.*:443")
"""Origins with a default port, which browsers leave out."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An account's balance and usage."""

    credits: int | None
    """Credits that can still be spent; None if billing is off."""
    reserved: int
    """Credits reserved for work in progress."""
    usage: Sequence[UsageTotal]
    """By day, newest first."""


def check_origins(publishable: bool, origins: Sequence[str]) -> None:
    """Raises BadRequest for an invalid origin, a publishable key without origins, or a secret key with origins."""
    if publishable != bool(origins):
        raise BadRequest("A publishable key needs origins, and only it takes them.", param="origins")
    for origin in origins:
        if len(origin) > LONGEST_ORIGIN or not ORIGIN.fullmatch(origin) or DEFAULT_PORT.fullmatch(origin):
            shown = origin[:LONGEST_ORIGIN]
            raise BadRequest(f"{shown!r} is no web origin as browsers send it: https://example.org", param="origins")


class Accounts:
    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._accounts = StoredAccounts(database)
        self._keys = Keys(database)
        self._ledger = Ledger(database)
        self._pages: tuple[set[str], float] = set(), 0.0
        """Origins of publishable keys, and until when this cache is valid, Unix seconds."""
        self._cache: dict[bytes, tuple[Caller, float]] = {}
        """Hash of a valid key → its caller, and until when this entry is valid, Unix seconds. Invalid keys are not
        cached, so that a new key works at once."""

    async def authenticate(self, plain: str) -> Caller:
        """The caller with this key. Raises Unauthorized if it is missing, malformed, unknown, revoked or expired."""
        digest = sha256(plain.encode()).digest()
        caller, until = self._cache.get(digest, (None, 0.0))
        if caller and time.time() < until:
            return caller
        key, plan = await self._find(plain)
        caller = Caller(key.account, plan, key.id, key.kind == PUBLISHABLE, key.origins, key.admin)
        self._remember(digest, caller, key)
        return caller

    async def check_key(self, caller: Caller) -> Caller:
        """A caller who was authenticated earlier, with the plan that the account has now.

        Raises Unauthorized if the key has been revoked since, or has expired.
        """
        key = next((key for key in await self._keys.list(caller.account) if key.id == caller.key), None)
        if key is None:
            raise Unauthorized("The API key is unknown.")
        await self._check(key)
        return replace(caller, plan=(await self._accounts.get(caller.account)).plan)

    async def first_start(self) -> str | None:
        """Create the account `local` if no account exists, and return its key; else, or if another server did, None.

        On a server without keys also if others exist: it is the account of all who call.
        """
        credits, keyless = self._settings.store.local_credits, not self._settings.auth.enabled
        return await self._accounts.create_first(FIRST_PLAN, credits, beside_others=keyless)

    async def standing(self, caller: Caller, days: int) -> Standing:
        """Balance, and usage of the last `days` >= 1 days in UTC, today included."""
        usage = await self._ledger.usage(caller.account, _since(days))
        if not self._settings.auth.enabled:
            return Standing(None, 0, usage)
        account = await self._accounts.get(caller.account)
        return Standing(account.available, account.reserved, usage)

    async def usage_by_key(self, account: str, days: int) -> list[KeyUsage]:
        """Usage of the last `days` >= 1 days in UTC, today included, by day, service, model and key; newest first."""
        return await self._ledger.usage_by_key(account, _since(days))

    async def keys(self, caller: Caller) -> list[Key]:
        """The account's keys, oldest first, revoked ones included. Raises Forbidden on a server without keys."""
        self._check_keyed()
        return await self._keys.list(caller.account)

    async def create_key(
        self, caller: Caller, kind: str, label: str, origins: tuple[str, ...], expires_at: float | None
    ) -> tuple[Key, str]:
        """Create a key of the account. → it and its plain text, which can't be read again. expires_at: Unix seconds.

        Raises BadRequest for invalid origins, Forbidden on a server without keys.
        """
        self._check_keyed()
        check_origins(kind == PUBLISHABLE, origins)
        return await Keys(self._database, caller.key).create(caller.account, kind, label, origins, expires_at)

    async def restrict_key(self, caller: Caller, key: str, changes: KeyChanges) -> Key:
        """Change one of the account's keys; raises as `restrict`, and Forbidden on a server without keys."""
        self._check_keyed()
        return await self.restrict(key, changes, caller.key, caller.account)

    async def revoke_key(self, caller: Caller, key: str) -> Key:
        """Revoke one of the account's keys; raises as `revoke`, and Forbidden on a server without keys."""
        self._check_keyed()
        return await self.revoke(key, caller.key, caller.account)

    async def restrict(self, key: str, changes: KeyChanges, by: str, account: str | None = None) -> Key:
        """Change a key: at once here, within `auth.cache_seconds` on other servers.

        by: who does so, for the audit log. Raises NotFound, also for a key of another account than `account`, and
        BadRequest for invalid origins, a key that works no more, or one that is to live longer than it would.
        """
        keys = Keys(self._database, by)
        if changes.origins is not None:
            check_origins((await keys.get(key, account)).kind == PUBLISHABLE, changes.origins)
        changed = await keys.restrict(key, changes, account)
        self.forget(lambda caller: caller.key == key)
        self._pages = set(), 0.0
        return changed

    async def revoke(self, key: str, by: str, account: str | None = None) -> Key:
        """Revoke a key: at once here, within `auth.cache_seconds` on other servers. Idempotent.

        by: who does so, for the audit log. Raises NotFound, also for a key of another account than `account`.
        """
        revoked = await Keys(self._database, by).revoke(key, account)
        self.forget(lambda caller: caller.key == key)
        return revoked

    def forget(self, outdated: Callable[[Caller], bool]) -> None:
        """Look these callers up again when they next call: what is known of them has changed."""
        self._cache = {digest: known for digest, known in self._cache.items() if not outdated(known[0])}

    async def allows_origin(self, origin: str) -> bool:
        """Whether any publishable key works from this web origin."""
        origins, until = self._pages
        if time.time() >= until:
            origins = await self._keys.origins()
            self._pages = origins, time.time() + self._settings.auth.cache_seconds
        return origin in origins

    def _check_keyed(self) -> None:
        if not self._settings.auth.enabled:
            raise Forbidden("This server asks for no keys. Make and revoke them on its command line.")

    async def _find(self, plain: str) -> tuple[Key, str]:
        if not plain:
            raise Unauthorized("No API key: send the header 'Authorization: Bearer sk-tts-…'.")
        if not SHAPE.fullmatch(plain):
            raise Unauthorized("The API key is malformed.")
        found = await self._keys.find(plain)
        if found is None:
            raise Unauthorized("The API key is unknown.")
        await self._check(found[0])
        return found

    async def _check(self, key: Key) -> None:
        now = time.time()
        if key.revoked_at is not None:
            raise Unauthorized("The API key has been revoked.")
        if key.expires_at is not None and key.expires_at <= now:
            raise Unauthorized("The API key has expired.")
        if key.used_at is None or key.used_at < now - TOUCH_SECONDS:
            await self._keys.touch(key.id)

    def _remember(self, digest: bytes, caller: Caller, key: Key) -> None:
        until = time.time() + self._settings.auth.cache_seconds
        self._cache.pop(digest, None)
        if len(self._cache) >= MOST_CACHED:
            self._cache.pop(next(iter(self._cache)))  # the least recently looked up
        self._cache[digest] = caller, until if key.expires_at is None else min(until, key.expires_at)


def _since(days: int) -> float:
    """Unix time at which the last `days` days in UTC began, today included."""
    return (time.time() // DAY - days + 1) * DAY
