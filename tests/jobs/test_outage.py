"""Postgres, killed and restarted under load: no job is stuck, and none has two results."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests import servers
from tests.jobs.serving import serving
from tests.jobs.test_crash import SETTINGS, TONE, Books, all_ended, check_books
from tests.servers import Postgres

from ttsai_server.settings import Settings, Store
from ttsai_server.store.db import open_database

pytestmark = pytest.mark.service

KILLS = 5
JOBS = 150
"""Minimum number of jobs accepted while the database is killed and restarted."""
CLIENTS = 4
UP_SECONDS = 1.5
DOWN_SECONDS = 0.5
DEAD_SECONDS = 5
"""How long a job waits whose claim was stored, but whose answer was lost."""


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    with servers.running_postgres() as server:
        yield server


class Load(threading.Thread):
    """A client that sends one job after another until `stop` is set; refused jobs do not count."""

    def __init__(self, url: str, key: str, books: Books, stop: threading.Event) -> None:
        super().__init__()
        self._client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60)
        self._books = books
        self._stopped = stop

    def run(self) -> None:
        with self._client:
            while not self._stopped.is_set():
                answer = self._client.post("/v1/tts/", json={**TONE, "text": "A sentence.", "async": True})
                if answer.is_success:
                    self._books.accepted[answer.json()["uuid"]] = "completed"
                else:
                    time.sleep(0.05)


def kill_again_and_again(postgres: Postgres, books: Books) -> None:
    for _ in range(KILLS):
        time.sleep(UP_SECONDS)
        postgres.kill()
        time.sleep(DOWN_SECONDS)
        postgres.start()
    while len(books.accepted) < JOBS:
        time.sleep(0.1)


async def test_no_job_is_stuck_or_done_twice_when_postgres_is_killed_under_load(
    tmp_path: Path, postgres: Postgres
) -> None:
    books, stop = Books(), threading.Event()
    settings = {**SETTINGS, "store__url": postgres.url, "jobs__dead_seconds": str(DEAD_SECONDS)}
    with serving(tmp_path, tmp_path / "log", settings) as server:
        clients = [Load(server.url, server.key, books, stop) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        await asyncio.to_thread(kill_again_and_again, postgres, books)
        stop.set()
        for client in clients:
            await asyncio.to_thread(client.join)
        database = open_database(Settings(data_dir=tmp_path, store=Store(url=postgres.url)))
        await all_ended(database)
        await asyncio.to_thread(server.stop)
    found = await check_books(database, books)
    assert set(found["states"].values()) == {"completed"}
    await database.close()
