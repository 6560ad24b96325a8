"""A real server for tests: the app under uvicorn on a free port, in a thread of the test's process."""

import asyncio
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import uvicorn

from ttsai_server.app import create_app
from ttsai_server.cli.connections import uvicorn_config
from ttsai_server.settings import Settings
from ttsai_server.store.accounts import Account, Accounts
from ttsai_server.store.db import Database, open_database
from ttsai_server.store.keys import Keys

ADMIN_TOKEN = "token-of-the-test"


@dataclass
class Live:
    url: str
    settings: Settings
    first_keys: list[str] = field(default_factory=list[str])
    """The key that the first start created."""
    clients: list[httpx.Client] = field(default_factory=list[httpx.Client])

    @property
    def key(self) -> str:
        """The key of the account `local`: plan enterprise, a million credits."""
        return self.first_keys[0]

    def client(self, key: str | None = None, **options: Any) -> httpx.Client:
        """A client that sends the key; closed with the server at the latest."""
        headers = {"Authorization": f"Bearer {key or self.key}"}
        # loading the authorities of TLS, which is not spoken here, takes longer than a request
        client = httpx.Client(base_url=self.url, headers=headers, timeout=300, verify=False, **options)
        self.clients.append(client)
        return client

    def new_key(self, plan: str = "enterprise", credits: int = 1000, **key: Any) -> tuple[str, str]:
        """Create an account. → its id and key."""

        async def make(database: Database) -> tuple[str, str]:
            account = await Accounts(database).create("test", plan, credits)
            return account.id, (await Keys(database).create(account.id, **key))[1]

        return self.on_database(make)

    def account(self, id: str) -> Account:
        return self.on_database(partial(_account, id))

    def on_database(self, work: Any) -> Any:
        async def run() -> Any:
            database = open_database(self.settings)
            try:
                return await work(database)
            finally:
                await database.close()

        with ThreadPoolExecutor(1) as thread:  # the test may have a loop of its own
            return thread.submit(asyncio.run, run()).result()


async def _account(id: str, database: Database) -> Account:
    return await Accounts(database).get(id)


@contextmanager
def live(settings: Settings, *, jobs: bool = False, **options: Any) -> Generator[Live]:
    """Run the server until the block ends; its threads and its loop are gone then.

    It waits for models as long as it takes, unless the settings say how long: a busy machine is not a fault of it.
    jobs: whether it does jobs, which one server in a process can; without, it only accepts them.
    options: further arguments of uvicorn.Config.
    """
    waits = dict.fromkeys({"load_wait_seconds", "queue_wait_seconds"} - settings.models.model_fields_set, 600.0)
    changes = {
        "jobs": settings.jobs.model_copy(update={"run": jobs}),
        "models": settings.models.model_copy(update=waits),
    }
    settings = settings.model_copy(update=changes)
    keys: list[str] = []
    app = create_app(settings, admin_token=ADMIN_TOKEN, announce=keys.append)
    config = uvicorn_config(app, settings, port=0, timeout_graceful_shutdown=5, **options)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            thread.join(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        running = Live(f"http://127.0.0.1:{port}", settings, keys)
        try:
            yield running
        finally:
            for client in running.clients:
                client.close()
    finally:
        server.should_exit = True
        thread.join()
