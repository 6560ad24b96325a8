"""How often jobs are looked for, on both kinds of database."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from ttsai_server.jobs import pace
from ttsai_server.jobs.pace import Pace
from ttsai_server.jobs.queue import QUEUE, DbosQueue
from ttsai_server.settings import Jobs
from ttsai_server.store import jobs
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database
from ttsai_server.store.jobs import COMPLETED, Job

JOBS = Jobs(poll_seconds=0.2, idle_poll_seconds=2.0)


@pytest.fixture
async def paced(database: Database, queue: DbosQueue, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DbosQueue]:
    monkeypatch.setattr(pace, "SECONDS", 0.02)
    monkeypatch.setattr(pace, "QUIET_SECONDS", 0.1)
    await asyncio.to_thread(queue.register, JOBS)
    keeping = asyncio.create_task(Pace(database, queue, JOBS).keep())
    yield queue
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def until(queue: DbosQueue, seconds: float) -> None:
    deadline = time.monotonic() + 30
    while (found := await asyncio.to_thread(queue.client.retrieve_queue, QUEUE)) is None or (
        await found.get_polling_interval_sec_async() != seconds
    ):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_jobs_are_looked_for_often_while_there_are_some(database: Database, paced: DbosQueue) -> None:
    await until(paced, JOBS.idle_poll_seconds)
    ann = (await Accounts(database).create("Ann", "pro")).id
    await database.write(jobs.add, Job("t", ann, "pro", "tts", "tone", "{}", "speech.mp3", "http://a"))
    await until(paced, JOBS.poll_seconds)
    await database.write(jobs.end, "t", COMPLETED)
    await until(paced, JOBS.idle_poll_seconds)


async def test_nothing_else_of_the_queue_changes(paced: DbosQueue) -> None:
    await until(paced, JOBS.idle_poll_seconds)
    queue = await asyncio.to_thread(paced.client.retrieve_queue, QUEUE)
    assert queue
    assert await queue.get_partition_worker_concurrency_async() == JOBS.concurrent
