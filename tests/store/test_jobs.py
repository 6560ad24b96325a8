import time
from dataclasses import replace

import pytest
from tests.processes import BARRIER, at_once

from ttsai_server.settings import Settings
from ttsai_server.store import jobs
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database
from ttsai_server.store.jobs import CANCELLED, COMPLETED, FAILED, Batch, Job


@pytest.fixture
async def ann(database: Database) -> str:
    return (await Accounts(database).create("Ann", "pro")).id


@pytest.fixture
async def bob(database: Database) -> str:
    return (await Accounts(database).create("Bob", "pro")).id


def job(id: str, account: str, **fields: object) -> Job:
    plain = Job(id, account, "pro", "tts", "tone", "{}", "speech.mp3", "http://a", created_at=time.time())
    return replace(plain, **fields)  # pyright: ignore[reportArgumentType]


async def added(database: Database, account: str, *ids: str, batch: str | None = None) -> list[int]:
    new = [job(id, account, batch=batch) for id in ids]
    return [one.turn for one in await database.write(jobs.add_all, new)]


async def batch(database: Database, account: str, id: str, count: int) -> None:
    await database.write(jobs.open_batch, Batch(id, account, None, "http://a", count, time.time()))


async def test_a_task_comes_back_as_it_was_kept(database: Database, ann: str) -> None:
    kept = await database.write(jobs.add, job("t", ann, credits=3, webhook_url="https://a.example/"))
    assert await database.read(jobs.get, "t") == kept


async def test_an_unknown_task_is_none(database: Database) -> None:
    assert await database.read(jobs.get, "t") is None


async def test_an_accounts_tasks_stand_in_line(database: Database, ann: str) -> None:
    assert await added(database, ann, "a", "b") == [1, 2]
    assert await added(database, ann, "c") == [3]


async def test_another_account_comes_in_with_the_first_of_those_who_wait(
    database: Database, ann: str, bob: str
) -> None:
    await added(database, ann, *"abcdef")
    assert await added(database, bob, "x", "y") == [1, 2]


async def test_who_comes_later_begins_where_the_others_are(database: Database, ann: str, bob: str) -> None:
    await added(database, ann, *"abcdef")
    for id in "abc":
        await database.write(jobs.end, id, COMPLETED)
    assert await added(database, bob, "x", "y") == [4, 5]


async def test_an_accounts_single_task_goes_before_its_batch(database: Database, ann: str) -> None:
    await batch(database, ann, "batch", 3)
    await added(database, ann, *"abc", batch="batch")
    assert await added(database, ann, "single") == [1]


async def test_a_batch_goes_after_what_the_account_has_ordered(database: Database, ann: str) -> None:
    await added(database, ann, "a", "b")
    await batch(database, ann, "batch", 1)
    assert await added(database, ann, "c", batch="batch") == [3]


async def test_each_model_has_a_line_of_its_own(database: Database, ann: str) -> None:
    await added(database, ann, *"abc")
    assert (await database.write(jobs.add, job("x", ann, model="kokoro"))).turn == 1


async def test_a_task_ends_once(database: Database, ann: str) -> None:
    await added(database, ann, "t")
    ended = await database.write(jobs.end, "t", COMPLETED, seconds=1.5)
    assert await database.write(jobs.end, "t", FAILED) is None
    assert await database.read(jobs.get, "t") == ended


async def test_progress_says_whether_it_is_still_wanted(database: Database, ann: str) -> None:
    await added(database, ann, "t")
    assert await database.write(jobs.set_progress, "t", 0.5)
    await database.write(jobs.end, "t", CANCELLED)
    assert not await database.write(jobs.set_progress, "t", 0.75)


async def test_segments_are_read_apart(database: Database, ann: str) -> None:
    await added(database, ann, "t")
    await database.write(jobs.end, "t", COMPLETED, segments="[1]")
    assert await database.read(jobs.segments, "t") == "[1]"


async def test_the_last_task_of_a_batch_sees_that_it_is(database: Database, ann: str) -> None:
    await batch(database, ann, "batch", 2)
    assert [(await database.write(jobs.count_ended, "batch")).open for _ in range(2)] == [1, 0]


async def test_a_batchs_tasks_come_in_their_order(database: Database, ann: str) -> None:
    await batch(database, ann, "batch", 3)
    await database.write(jobs.keep, [job(f"t{n}", ann, batch="batch", number=n) for n in (2, 0, 1)])
    assert [one.number for one in await database.read(jobs.of_batch, "batch")] == [0, 1, 2]


async def test_what_has_not_ended_in_time_is_late(database: Database, ann: str) -> None:
    await added(database, ann, "a", "b")
    await database.write(jobs.end, "a", COMPLETED)
    assert await database.read(jobs.overdue, time.time() - 60) == []
    assert await database.read(jobs.overdue, time.time() + 60) == ["b"]


async def test_a_purge_forgets_what_ended_long_ago(database: Database, ann: str) -> None:
    await batch(database, ann, "batch", 1)
    await added(database, ann, "a", batch="batch")
    await added(database, ann, "b")
    await database.write(jobs.end, "a", COMPLETED)
    assert await database.write(jobs.purge, time.time() - 60) == []
    assert await database.write(jobs.purge, time.time() + 60) == ["a"]
    assert await database.read(jobs.get, "a") is None
    assert await database.read(jobs.get, "b")


END = f"""
import asyncio
from ttsai_server.settings import Settings
from ttsai_server.store import jobs
from ttsai_server.store.db import open_database
{BARRIER}
database = open_database(Settings.model_validate_json(sys.argv[1]))
async def main():
    ended = await database.write(jobs.end, "t", "completed")
    print(ended is not None, (await database.write(jobs.count_ended, "b")).open)
    await database.close()
asyncio.run(main())
"""


async def test_of_servers_at_once_one_ends_a_task_and_one_a_batch(
    database: Database, store_settings: Settings, ann: str
) -> None:
    await batch(database, ann, "b", 3)
    await added(database, ann, "t", batch="b")
    outputs = [line.split() for line in await at_once(3, END, store_settings.model_dump_json())]
    assert sorted(ended for ended, _ in outputs) == ["False", "False", "True"]
    assert sorted(open for _, open in outputs) == ["0", "1", "2"]


async def test_an_accounts_tasks_are_listed_newest_first_page_by_page(database: Database, ann: str, bob: str) -> None:
    new = [job(id, account, created_at=at) for id, account, at in (("a", ann, 1), ("x", bob, 2), ("b", ann, 3))]
    await database.write(jobs.add_all, new)
    assert [one.id for one in await database.read(jobs.of_account, ann, 9, None)] == ["b", "a"]
    assert [one.id for one in await database.read(jobs.of_account, ann, 1, None)] == ["b"]
    assert [one.id for one in await database.read(jobs.of_account, ann, 9, "b")] == ["a"]
    assert await database.read(jobs.of_account, ann, 9, "x") == []
