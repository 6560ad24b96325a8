"""Servers that are killed: no job is lost, none is charged twice, every webhook arrives, no file is left behind."""

import asyncio
import random
import threading
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from sqlalchemy import Connection, func, select
from standardwebhooks import Webhook
from tests.jobs.serving import Server, serving
from tests.receivers import Receiver, receiver, says

from ttsai_server.audio.encode import Encoder
from ttsai_server.services.job_files import upload_of
from ttsai_server.settings import Settings, Store
from ttsai_server.store.db import Database, open_database
from ttsai_server.store.secret_box import SecretBox
from ttsai_server.store.tables import accounts, jobs, ledger, loose_files, reservations, results, usage
from ttsai_server.store.webhook_secrets import WebhookSecrets

pytestmark = pytest.mark.service

JOBS = 60
MOST_ALIVE = 1.2
"""Maximum seconds from a server's start to its kill."""
END_SECONDS = 120
CREDITS = 1_000_000
TONE = {"model": "tone", "voice": "tone_a", "format": "wav"}
SETTINGS = {
    "models__demo": "true",
    "models__options": '{"tone": {"step_seconds": 0.03, "steps": 4, "fail_on": "broken"}}',
    "webhooks__allow_private": "true",
    "jobs__attempts": "21",
    "plans__enterprise__requests_per_minute": "100000",
    "plans__enterprise__concurrent": "1000",
}


@dataclass
class Books:
    """What the server has answered to clients."""

    accepted: dict[str, str] = field(default_factory=dict[str, str])
    """Task → the state that it must end in."""


def silence() -> bytes:
    encoder = Encoder("flac", 16_000)
    return encoder.push(np.zeros((16_000, 1), np.float32)) + encoder.finish()


SILENCE = silence()


def submit(client: httpx.Client, number: int, webhook_url: str, books: Books) -> None:
    """One job in twelve fails, one transcribes, one is a batch of two; the others speak."""
    match number % 12:
        case 3:
            body = {**TONE, "text": f"This is broken, number {number}.", "webhook_url": webhook_url}
            answer, state = client.post("/v1/tts/", json=body), "failed"
        case 5:
            files, data = {"file": ("a.flac", SILENCE)}, {"model": "whisper-tiny.en", "webhook_url": webhook_url}
            answer, state = client.post("/v1/transcribe/", files=files, data=data), "completed"
        case 7:
            items = [{**TONE, "text": f"Item {item} of {number}."} for item in range(2)]
            answer, state = client.post("/v1/tts/batch/", json={"texts": items}), "completed"
        case _:
            body = {**TONE, "text": f"Sentence number {number}. " * 8, "webhook_url": webhook_url}
            answer, state = client.post("/v1/tts/", json=body), "completed"
    body = answer.raise_for_status().json()
    for item in body.get("items", [body]):
        books.accepted[item["uuid"]] = state


def live_and_die(
    server: Server, key: str, jobs: deque[int], count: int, url: str, books: Books, seconds: float
) -> None:
    """Send jobs to the server, and kill it after some seconds; jobs that were not accepted stay in `jobs`."""
    killer = threading.Timer(seconds, server.kill)
    killer.start()
    with (
        suppress(httpx.TransportError),
        httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {key}"}, timeout=120) as client,
    ):
        for _ in range(min(count, len(jobs))):
            submit(client, jobs[0], url, books)
            jobs.popleft()
    killer.join()


def take_the_rest(server: Server, key: str, jobs: deque[int], url: str, books: Books) -> None:
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {key}"}, timeout=120) as client:
        while jobs:
            submit(client, jobs.popleft(), url, books)


async def all_ended(database: Database) -> None:
    async with asyncio.timeout(END_SECONDS):
        while await database.read(_by_node):  # noqa: ASYNC110 another process ends them
            await asyncio.sleep(0.1)


@pytest.fixture
async def ear() -> AsyncIterator[Receiver]:
    async with receiver(says("204 No Content")) as running:
        yield running


def _row_counts(connection: Connection) -> dict[str, Any]:
    completed = jobs.c.state == "completed"
    return {
        "states": {row.id: row.state for row in connection.execute(select(jobs.c.id, jobs.c.state))},
        "begun": connection.scalar(select(func.max(jobs.c.attempts))),
        "told": set(connection.scalars(select(jobs.c.id).where(jobs.c.webhook_url.is_not(None)))),
        "charged": connection.scalar(select(func.sum(jobs.c.credits)).where(completed)),
        "used": connection.execute(select(func.count(), func.sum(usage.c.credits))).one(),
        "ledger": connection.scalar(select(func.sum(ledger.c.amount))),
        "account": connection.execute(select(accounts.c.available, accounts.c.reserved)).one(),
        "reservations": Counter(connection.scalars(select(reservations.c.state))),
        "results": dict(connection.execute(select(results.c.id, results.c.file)).all()),  # pyright: ignore[reportArgumentType]
        "loose": set(connection.scalars(select(loose_files.c.file))),
    }


async def check_books(database: Database, books: Books) -> Mapping[str, Any]:
    """Check that each job ended in the expected state, and that completed ones were charged once."""
    found = await database.read(_row_counts)
    ended: dict[str, str] = found["states"]
    assert {id: ended.get(id) for id in books.accepted} == books.accepted
    assert set(ended.values()) <= {"completed", "failed"}
    completed = [id for id, state in ended.items() if state == "completed"]
    assert tuple(found["used"]) == (len(completed), found["charged"])
    assert found["reservations"] == Counter(settled=len(completed), released=len(ended) - len(completed))
    assert found["account"] == (CREDITS - found["charged"], 0)
    assert found["ledger"] == found["account"].available
    extra = set(found["results"]) ^ set(completed)
    assert not extra & {upload_of(id) for id in ended}, "the file of a job that has ended is deleted"
    assert all(id.endswith("-input") for id in extra), "beside results, only files of jobs that never were accepted"
    return found


def check_files(folder: Path, found: Mapping[str, Any]) -> None:
    """Check that every file belongs to a result, or is listed for deletion."""
    there = {file.name for file in folder.iterdir()}
    wanted = set(found["results"].values())
    assert wanted <= there
    assert there - wanted <= found["loose"]


async def check_webhooks(database: Database, settings: Settings, ear: Receiver, told: set[str]) -> None:
    """Check that each task's webhook arrived at least once, signed, and always with the same id."""
    secret = Webhook((await WebhookSecrets(database, SecretBox(settings)).get("local")).secret)
    ids = defaultdict[str, set[str]](set)
    for request in ear.received:
        body = secret.verify(request.body, dict(request.headers))
        ids[body["task_id"]].add(request.headers["webhook-id"])
    assert {job: len(found) for job, found in ids.items()} == dict.fromkeys(told, 1)


async def heard_of(ear: Receiver, count: int) -> None:
    async with asyncio.timeout(END_SECONDS):
        while len({request.body for request in ear.received}) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("kills", [6, pytest.param(20, marks=pytest.mark.slow)])
async def test_a_server_that_is_killed_again_and_again_does_every_job_once(
    tmp_path: Path, ear: Receiver, tiny_weights: Path, kills: int
) -> None:
    chance, books, jobs = random.Random(4), Books(), deque(range(JOBS))
    settings = {**SETTINGS, "models__dir": str(tiny_weights.parent)}
    start = tmp_path / "data", tmp_path / "log", settings
    with serving(*start) as server:
        key = server.key
        server.kill()
    for _ in range(kills):
        alive = chance.uniform(0, MOST_ALIVE)
        with serving(*start) as server:
            await asyncio.to_thread(live_and_die, server, key, jobs, JOBS // kills, ear.url(), books, alive)
    database = open_database(Settings(data_dir=tmp_path / "data"))
    with serving(*start) as server:
        await asyncio.to_thread(take_the_rest, server, key, jobs, ear.url(), books)
        await all_ended(database)
        told: set[str] = (await database.read(_row_counts))["told"]
        await heard_of(ear, len(told))
        await asyncio.to_thread(server.stop)
    found = await check_books(database, books)
    assert found["begun"] > 1, "no job was interrupted"
    check_files(tmp_path / "data" / "results", found)
    await check_webhooks(database, Settings(data_dir=tmp_path / "data"), ear, told)
    await database.close()
    assert len(books.accepted) == JOBS + JOBS // 12


async def test_another_server_does_the_jobs_of_one_that_never_comes_back(
    tmp_path: Path, ear: Receiver, postgres_url: str, tiny_weights: Path
) -> None:
    books = Books()
    settings = {
        **SETTINGS,
        "models__dir": str(tiny_weights.parent),
        "store__url": postgres_url,
        "jobs__dead_seconds": "2",
    }
    never_done = {"jobs__node": "a", "models__options": f'{{"tone": {{"step_seconds": {END_SECONDS}}}}}'}
    database = open_database(Settings(data_dir=tmp_path, store=Store(url=postgres_url)))
    with (
        serving(tmp_path, tmp_path / "log-a", {**settings, **never_done}) as lost,
        serving(tmp_path, tmp_path / "log-b", {**settings, "jobs__node": "b"}) as other,
    ):
        await asyncio.to_thread(take_the_rest, lost, lost.key, deque(range(JOBS)), ear.url(), books)
        async with asyncio.timeout(END_SECONDS):
            while not (await database.read(_by_node))["a"]:  # noqa: ASYNC110 another process begins them
                await asyncio.sleep(0.1)
        await asyncio.to_thread(lost.kill)
        await all_ended(database)
        told: set[str] = (await database.read(_row_counts))["told"]
        await heard_of(ear, len(told))
        await asyncio.to_thread(other.stop)
    found = await check_books(database, books)
    assert found["begun"] > 1, "no job was interrupted"
    check_files(tmp_path / "results", found)
    await check_webhooks(database, Settings(data_dir=tmp_path), ear, told)
    await database.close()


def _by_node(connection: Connection) -> Counter[str | None]:
    return Counter(connection.scalars(select(jobs.c.node).where(jobs.c.ended_at.is_(None))))
