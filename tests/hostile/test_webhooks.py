"""Receivers of webhooks that never answer: they delay nobody else's."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from tests.live import Live, live
from tests.receivers import receiver, says

from ttsai_server.settings import Settings, Webhooks
from ttsai_server.store import webhooks
from ttsai_server.store.db import Database
from ttsai_server.store.webhooks import Delivery

MANY = 250


async def test_an_accounts_hanging_receivers_do_not_delay_anothers_webhook(tmp_path: Path) -> None:
    forever = asyncio.Event()

    async def hang(_: asyncio.StreamWriter) -> None:
        await forever.wait()

    settings = Settings(data_dir=tmp_path, webhooks=Webhooks(allow_private=True, timeout_seconds=3600))
    async with receiver(hang) as hanging, receiver(says("200 OK")) as quick:
        with live(settings, jobs=True) as server:
            greedy, _ = await asyncio.to_thread(server.new_key)
            modest, _ = await asyncio.to_thread(server.new_key)
            await asyncio.to_thread(_enter, server, greedy, hanging.url(), MANY)
            await until(lambda: hanging.connections >= settings.webhooks.account_concurrent)
            await asyncio.to_thread(_enter, server, modest, quick.url(), 1)
            await until(lambda: bool(quick.received))
            assert hanging.connections == settings.webhooks.account_concurrent
            forever.set()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 the receiver knows no event
        await asyncio.sleep(0.05)


def _enter(server: Live, account: str, url: str, count: int) -> None:
    async def enter(database: Database) -> None:
        for number in range(count):
            id = f"msg_{account}_{number}"
            await database.write(webhooks.enter, Delivery(id, account, id, "task.completed", url, "{}"))

    server.on_database(enter)
