"""The claim loop with a database that fails at any transaction, and processes that die between any two."""

import asyncio
import random
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, func, make_url, select, update

from ttsai_server.jobs import claim_loop
from ttsai_server.jobs.claim_loop import ClaimLoop
from ttsai_server.settings import Settings
from ttsai_server.store import job_claims, jobs
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database, DatabaseUnavailable, Sqlite, open_database
from ttsai_server.store.job_claims import LEASES
from ttsai_server.store.jobs import CANCELLED, COMPLETED, Job
from ttsai_server.store.leases import Holder
from ttsai_server.store.migrate import upgrade
from ttsai_server.store.tables import jobs as table

T = TypeVar("T")

LEASE = 0.5
COUNT = 6
CONCURRENT = 3
WRITES = 12
"""Transactions of a loop that runs COUNT jobs: each test makes one of them fail."""


class Faulty(Sqlite):
    """Makes transactions fail: before the commit, and nothing is stored, or after it, and the answer is lost."""

    def __init__(self, settings: Settings, breaks: Callable[[int], str | None]) -> None:
        super().__init__(make_url(settings.store_url))
        self._breaks = breaks
        self.count = 0

    def _in_transaction(self, work: Callable[[Connection], T]) -> T:
        how, self.count = self._breaks(self.count), self.count + 1
        if how == "before":
            raise DatabaseUnavailable("not reached")
        found = super()._in_transaction(work)
        if how == "after":
            raise DatabaseUnavailable("broke off")
        return found


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim_loop, "RETRY_SECONDS", 0.02)


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    """A database with COUNT queued jobs."""
    settings = Settings(data_dir=tmp_path)
    await upgrade(settings)
    database = open_database(settings)
    account = (await Accounts(database).create("Ann", "pro")).id
    new = [Job(f"t{n}", account, "pro", "tts", "tone", "{}", "speech.mp3", "http://a") for n in range(COUNT)]
    await database.write(jobs.add_all, new)
    await database.close()
    return settings


class Worked:
    """Ends jobs at once, and counts how often it ended each."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.begun = list[str]()
        self.ended = list[str]()

    async def __call__(self, job: Job) -> None:
        self.begun.append(job.id)
        await asyncio.sleep(0.01)
        if await self._database.write(jobs.end, job.id, COMPLETED):
            self.ended.append(job.id)


def loop_of(database: Database, work: Callable[[Job], Any], node: str = "a", lease: float = LEASE) -> ClaimLoop[Job]:
    def claim(connection: Connection, holder: Holder, running: Collection[Job], now: float) -> list[Job]:
        return job_claims.claim(connection, holder, running, CONCURRENT, now)

    return ClaimLoop(database, LEASES, Holder.of(node, lease), claim, work, 0.02, 0.02)


def open_jobs(connection: Connection) -> int:
    return connection.scalar(select(func.count()).where(table.c.ended_at.is_(None))) or 0


async def all_ended(database: Database) -> None:
    async with asyncio.timeout(60):
        while await database.read(open_jobs):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def attempts(connection: Connection) -> list[int]:
    return list(connection.scalars(select(table.c.attempts)))


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("at", range(1, WRITES))
async def test_whichever_transaction_breaks_off_each_job_ends_once(settings: Settings, at: int, how: str) -> None:
    """Not the first transaction, which belongs to the start: without it the server does not start."""
    database = Faulty(settings, lambda count: how if count == at else None)
    work = Worked(database)
    loop = loop_of(database, work)
    await loop.start()
    await all_ended(database)
    await loop.stop()
    assert database.count > at
    assert len(work.ended) == len(set(work.ended))
    assert await database.read(attempts) == [1] * COUNT, "a server that lives has not been broken by its jobs"
    await database.close()


async def test_jobs_outlast_a_database_that_breaks_off_two_transactions_of_five(settings: Settings) -> None:
    """By chance: failures in a fixed rhythm can fall in step with the loop, and hit the same transaction for ever."""
    chance = random.Random(1)
    outages = ["before", None, "after", None, None]
    database = Faulty(settings, lambda count: chance.choice(outages) if count else None)
    loop = loop_of(database, Worked(database))
    await loop.start()
    await all_ended(database)
    await loop.stop()
    await database.close()


async def test_a_stop_hands_back_what_is_not_done_and_counts_no_attempt(settings: Settings) -> None:
    database = open_database(settings)
    begun = asyncio.Event()

    async def endless(_: Job) -> None:
        begun.set()
        await asyncio.Event().wait()

    loop = loop_of(database, endless)
    await loop.start()
    await begun.wait()
    await loop.stop()
    assert await database.read(attempts) == [0] * COUNT
    assert len(await database.write(job_claims.claim, Holder.of("b", LEASE), [], COUNT, time.time())) == COUNT
    await database.close()


async def assert_broken_off_by(settings: Settings, change: Callable[[Connection, str], object]) -> None:
    """Change the row of a job that a loop works on; the loop must break the work off."""
    database = open_database(settings)
    left = asyncio.Queue[str]()

    async def endless(job: Job) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            left.put_nowait(job.id)

    loop = loop_of(database, endless)
    await loop.start()
    while not loop._running:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    [id, *_] = loop._running
    await database.write(change, id)
    async with asyncio.timeout(30):
        assert await left.get() == id
    await loop.stop()
    await database.close()


async def test_a_job_that_is_ended_elsewhere_is_broken_off_here(settings: Settings) -> None:
    """As if a client cancelled it at another server."""
    await assert_broken_off_by(settings, lambda connection, id: jobs.end(connection, id, CANCELLED))


async def test_a_job_that_another_server_has_taken_over_is_broken_off_here(settings: Settings) -> None:
    def take_over(connection: Connection, id: str) -> None:
        leased = {"holder": "b/1", "lease_until": time.time() + 60}
        connection.execute(update(table).where(table.c.id == id).values(leased))

    await assert_broken_off_by(settings, take_over)


async def test_two_servers_share_the_jobs_and_do_each_once(settings: Settings) -> None:
    database, other = open_database(settings), open_database(settings)
    works = Worked(database), Worked(other)
    loops = loop_of(database, works[0], lease=60), loop_of(other, works[1], "b", lease=60)
    await asyncio.gather(*(loop.start() for loop in loops))
    await all_ended(database)
    await asyncio.gather(*(loop.stop() for loop in loops))
    assert sorted(works[0].begun + works[1].begun) == [f"t{n}" for n in range(COUNT)]
    await database.close()
    await other.close()


async def test_a_stop_does_not_wait_for_a_database_that_does_not_answer(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim_loop, "STOP_SECONDS", 0.2)
    hanging = asyncio.Event()

    class Hanging(Sqlite):
        def _transact(self, work: Callable[[Connection], T]) -> asyncio.Future[T]:
            if not hanging.is_set():
                return super()._transact(work)
            return asyncio.get_running_loop().create_future()

    database = Hanging(make_url(settings.store_url))
    loop = loop_of(database, Worked(database))
    await loop.start()
    hanging.set()
    async with asyncio.timeout(30):
        await loop.stop()
