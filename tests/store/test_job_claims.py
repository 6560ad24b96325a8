"""Which jobs a server claims, given its own and other servers' leases, on SQLite and Postgres."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import Connection
from tests.processes import BARRIER, at_once

from ttsai_server.settings import Settings
from ttsai_server.store import job_claims, jobs
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database
from ttsai_server.store.job_claims import LEASES
from ttsai_server.store.jobs import CANCELLED, PROCESSING, Job
from ttsai_server.store.leases import Holder

NOW = 1_000_000.0
LEASE = 30.0
LATER = NOW + LEASE + 1
A, B = Holder.of("a", LEASE), Holder.of("b", LEASE)


@pytest.fixture
async def ann(database: Database) -> str:
    return (await Accounts(database).create("Ann", "pro")).id


@pytest.fixture
async def bob(database: Database) -> str:
    return (await Accounts(database).create("Bob", "pro")).id


async def add(database: Database, account: str, *ids: str, model: str = "tone", **fields: object) -> None:
    new = [Job(id, account, "pro", "tts", model, "{}", "speech.mp3", "http://a", created_at=NOW) for id in ids]
    await database.write(jobs.add_all, [replace(job, **fields) for job in new])  # pyright: ignore[reportArgumentType]


async def claim(
    database: Database, holder: Holder = A, running: Sequence[Job] = (), concurrent: int = 100, now: float = NOW
) -> list[Job]:
    return await database.write(job_claims.claim, holder, running, concurrent, now)


def ids(jobs: Sequence[Job]) -> list[str]:
    return [job.id for job in jobs]


async def died(database: Database, times: int, count: int = 100) -> None:
    """`times` processes of node A, one after the other, claim jobs and die."""
    for _ in range(times):
        await claim(database, concurrent=count)
        await database.write(LEASES.release, "a")


async def test_a_claimed_job_is_begun(database: Database, ann: str) -> None:
    await add(database, ann, "t")
    [job] = await claim(database)
    assert (job.state, job.node, job.attempts, job.started_at) == (PROCESSING, "a", 1, NOW)
    assert await database.read(jobs.get, "t") == job


async def test_a_claimed_job_is_claimed_by_nobody_else(database: Database, ann: str) -> None:
    await add(database, ann, "t")
    running = await claim(database)
    assert await claim(database, B) == []
    assert await claim(database, A, running) == []


async def test_what_has_ended_is_not_claimed(database: Database, ann: str) -> None:
    await add(database, ann, "t")
    await database.write(jobs.end, "t", CANCELLED)
    assert await claim(database) == []


async def test_jobs_are_claimed_in_turn(database: Database, ann: str, bob: str) -> None:
    await add(database, ann, "a1", "a2")
    await add(database, bob, "b1")
    assert ids(await claim(database)) == ["a1", "b1", "a2"]


async def test_so_many_jobs_of_a_model_are_done_at_a_time(database: Database, ann: str) -> None:
    await add(database, ann, "a", "b", "c")
    await add(database, ann, "x", "y", "z", model="kokoro")
    running = await claim(database, concurrent=2)
    assert ids(running) == ["x", "y", "a", "b"]
    assert ids(await claim(database, A, running[1:], concurrent=2)) == ["z"]


async def test_what_another_model_leaves_waiting_holds_up_nobody(database: Database, ann: str) -> None:
    await add(database, ann, *(f"a{number}" for number in range(5)))
    running = await claim(database, concurrent=2)
    await add(database, ann, "x", model="kokoro")
    assert ids(await claim(database, A, running, concurrent=2)) == ["x"]


async def test_the_jobs_of_a_server_that_renews_nothing_are_free_after_a_time(database: Database, ann: str) -> None:
    await add(database, ann, "t")
    await claim(database)
    assert await claim(database, B, now=NOW + LEASE - 1) == []
    [job] = await claim(database, B, now=LATER)
    assert (job.node, job.attempts, job.started_at) == ("b", 2, NOW)


async def test_renewed_leases_last(database: Database, ann: str) -> None:
    await add(database, ann, "t")
    await claim(database)
    assert await database.write(LEASES.renew, A, ["t"], NOW + 20) == {"t"}
    assert await claim(database, B, now=LATER) == []


async def test_a_server_learns_that_another_has_taken_over(database: Database, ann: str) -> None:
    await add(database, ann, "t")
    await claim(database)
    await claim(database, B, now=LATER)
    assert await database.write(LEASES.renew, A, ["t"], LATER) == set()
    assert await claim(database, now=LATER) == []


async def test_a_server_learns_that_a_job_was_ended_elsewhere(database: Database, ann: str) -> None:
    await add(database, ann, "t")
    await claim(database)
    await database.write(jobs.end, "t", CANCELLED)
    assert await database.write(LEASES.renew, A, ["t"], NOW) == set()


async def test_a_claim_whose_answer_was_lost_is_handed_back_uncounted(database: Database, ann: str) -> None:
    await add(database, ann, "t")
    await claim(database)
    assert await database.write(LEASES.renew, A, [], NOW) == set()
    [job] = await claim(database, B)
    assert job.attempts == 1


async def test_a_process_hands_back_no_job_of_another_of_its_node(database: Database, ann: str) -> None:
    await add(database, ann, "t")
    await claim(database)
    await database.write(LEASES.renew, Holder.of("a", LEASE), [], NOW)
    assert await claim(database, B) == []


async def test_a_server_that_starts_again_takes_up_its_jobs_at_once(database: Database, ann: str) -> None:
    await add(database, ann, "t")
    await claim(database)
    assert await database.write(LEASES.release, "a") == 1
    [job] = await claim(database, Holder.of("a", LEASE))
    assert job.attempts == 2


@pytest.mark.parametrize("other", ["A", "a_", "aa", "b", "%", "a/a", ""])
async def test_a_server_that_starts_leaves_the_jobs_of_other_names(database: Database, ann: str, other: str) -> None:
    await add(database, ann, "t")
    await claim(database)
    assert await database.write(LEASES.release, other) == 0


async def test_after_a_crash_one_job_is_repeated_at_a_time_beside_new_ones(database: Database, ann: str) -> None:
    await add(database, ann, "a", "b")
    await died(database, 1)
    await add(database, ann, "new")
    running = await claim(database)
    assert ids(running) == ["a", "new"]
    assert await claim(database, A, running) == []
    await database.write(jobs.end, "a", "completed")
    assert ids(await claim(database, A, running[1:])) == ["b"]


async def test_a_repeat_waits_for_room_at_its_model_and_others_do_not(database: Database, ann: str) -> None:
    await add(database, ann, "a")
    await add(database, ann, "x", model="zeta")
    await died(database, 1)
    running = await claim(database, concurrent=1)
    assert ids(running) == ["a"]
    await database.write(jobs.end, "a", "completed")
    await add(database, ann, "b")
    fresh = await claim(database, A, [replace(running[0], attempts=1)], concurrent=1)
    assert ids(fresh) == ["x"]


async def test_a_job_that_broke_two_servers_is_done_alone(database: Database, ann: str) -> None:
    await add(database, ann, "a")
    await died(database, 2)
    await add(database, ann, "new")
    alone = await claim(database)
    assert ids(alone) == ["a"]
    assert await claim(database, A, alone) == []


async def test_a_job_that_is_to_be_done_alone_waits_until_the_others_have_ended(database: Database, ann: str) -> None:
    await add(database, ann, "other")
    [other] = await claim(database)
    await add(database, ann, "a")
    await claim(database, B)
    await database.write(LEASES.release, "b")
    await claim(database, B)
    await database.write(LEASES.release, "b")
    await add(database, ann, "new")
    assert await claim(database, A, [other]) == []
    assert ids(await claim(database)) == ["a"]


async def test_what_broke_off_least_often_is_repeated_first(database: Database, ann: str) -> None:
    await add(database, ann, "twice")
    await died(database, 2)
    await database.write(_attempts, "once", ann, 1)
    assert ids(await claim(database)) == ["once"]


def _attempts(connection: Connection, id: str, account: str, attempts: int) -> None:
    job = Job(id, account, "pro", "tts", "tone", "{}", "speech.mp3", "http://a", created_at=NOW, attempts=attempts)
    jobs.add(connection, job)


async def test_a_job_that_kills_every_server_fails_alone(database: Database, ann: str) -> None:
    """However many such jobs there are, the jobs beside them do not use up their attempts."""
    fatal = {f"fatal{number}" for number in range(6)}
    await add(database, ann, *(f"{kind}{number}" for number in range(6) for kind in ("good", "fatal")))
    ended = dict[str, int]()
    while running := await claim(database, concurrent=4):
        poison = [job for job in running if job.id in fatal and job.attempts <= 5]
        for job in running if not poison else []:
            ended[job.id] = job.attempts
            await database.write(jobs.end, job.id, "failed" if job.id in fatal else "completed")
        await database.write(LEASES.release, "a")  # the crash ended every job that was running
    assert {id for id, attempts in ended.items() if attempts > 5} == fatal
    assert all(ended[f"good{number}"] <= 3 for number in range(6))


CLAIM = f"""
import asyncio
from ttsai_server.settings import Settings
from ttsai_server.store import job_claims
from ttsai_server.store.db import open_database
from ttsai_server.store.leases import Holder
{BARRIER}
database = open_database(Settings.model_validate_json(sys.argv[1]))
async def main():
    holder = Holder.of("a", 30)
    for _ in range(20):
        for job in await database.write(job_claims.claim, holder, [], 1, {NOW}):
            print(job.id)
    await database.close()
asyncio.run(main())
"""


async def test_of_servers_at_once_one_claims_each_job(database: Database, store_settings: Settings, ann: str) -> None:
    names = [f"t{number}" for number in range(20)]
    await add(database, ann, *names)
    claimed = [line for said in await at_once(3, CLAIM, store_settings.model_dump_json()) for line in said.split()]
    assert sorted(claimed) == sorted(names)


async def test_a_crash_of_the_model_counts_as_an_attempt(database: Database, ann: str) -> None:
    await add(database, ann, "t")
    [job] = await claim(database)
    assert await database.write(jobs.count_attempt, "t") == replace(job, attempts=2)
    await database.write(jobs.end, "t", CANCELLED)
    assert await database.write(jobs.count_attempt, "t") is None
