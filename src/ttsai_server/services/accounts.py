"""Who is asking."""

import re
import time
from hashlib import sha256

from ttsai_server.domain import Caller
from ttsai_server.errors import Unauthorized
from ttsai_server.settings import Settings
from ttsai_server.store.accounts import Accounts as StoredAccounts
from ttsai_server.store.db import Database
from ttsai_server.store.keys import PUBLISHABLE, RANDOM, Key, Keys

SHAPE = re.compile(rf"[sp]k-tts-[0-9A-Za-z]{{{RANDOM}}}")
REMEMBERED = 10_000
"""Keys in the cache at most."""
TOUCH_SECONDS = 3600.0
"""A key's time of last use is written no more often than this."""
FIRST_PLAN = "enterprise"


class Accounts:
    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._accounts = StoredAccounts(database)
        self._keys = Keys(database)
        self._cache: dict[bytes, tuple[Caller, float]] = {}
        """Hash of a good key → its caller, and until when to believe it. Bad ones are not kept: a new key works now."""

    async def authenticate(self, plain: str) -> Caller:
        """Whose key this is. Raises Unauthorized if it is missing, malformed, unknown, revoked or expired."""
        digest = sha256(plain.encode()).digest()
        caller, until = self._cache.get(digest, (None, 0.0))
        if caller and time.time() < until:
            return caller
        key, plan = await self._find(plain)
        caller = Caller(key.account, plan, key.id, key.kind == PUBLISHABLE, key.origins)
        self._remember(digest, caller, key)
        return caller

    async def first_start(self) -> str | None:
        """The key of the account `local`, made if there was no account at all; else, or if another was first, None."""
        return await self._accounts.create_first(FIRST_PLAN, self._settings.store.local_credits)

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
        if len(self._cache) >= REMEMBERED:
            self._cache.pop(next(iter(self._cache)))  # the one looked up longest ago
        self._cache[digest] = caller, until if key.expires_at is None else min(until, key.expires_at)
