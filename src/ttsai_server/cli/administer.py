"""The use cases of `services.administration`, for the commands that change accounts and keys."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from getpass import getuser
from typing import TypeVar

from ttsai_server.cli.output import fail
from ttsai_server.errors import ApiError
from ttsai_server.services.accounts import Accounts
from ttsai_server.services.administration import Administration
from ttsai_server.settings import Settings
from ttsai_server.store.audit import Facts
from ttsai_server.store.db import open_database
from ttsai_server.store.migrate import upgrade

T = TypeVar("T")


def administer(settings: Settings, work: Callable[[Administration], Awaitable[T]]) -> T:
    """Migrate the database, then run `work` on it. → what it returns. An ApiError ends the command."""

    async def run() -> T:
        await upgrade(settings)
        database = open_database(settings)
        try:
            return await work(Administration(settings, database, Accounts(settings, database)))
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except ApiError as error:
        raise fail(error.message) from None


def record(settings: Settings, action: str, target: str, before: Facts, after: Facts) -> None:
    """Add a change outside the database to the audit log, where there is one: a server's first start makes it."""
    if settings.store.url or settings.store_file.exists():
        administer(settings, lambda desk: desk.record(operator(), action, target, before, after))


def operator() -> str:
    """Who uses the command line, for the audit log: `cli:` and the user's name, or else number."""
    try:
        return f"cli:{getuser()}"
    except (KeyError, OSError):  # a container's user without a name
        return f"cli:{os.getuid()}"
