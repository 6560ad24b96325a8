"""Jobs whose model crashes under them."""

import asyncio

import pytest
from tests.services.conftest import ATTEMPTS, CREDITS
from tests.services.crashing import Crash, Crasher

from ttsai_server.domain import Caller
from ttsai_server.services.flow import Flow
from ttsai_server.services.job_files import JobFiles
from ttsai_server.services.job_runner import JobRunner
from ttsai_server.services.jobs import JobOptions, Jobs
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database
from ttsai_server.store.jobs import Job

OPTIONS = JobOptions("http://a")


@pytest.fixture
def crasher() -> Crasher:
    return Crasher()


@pytest.fixture
def flow(flow: Flow, crasher: Crasher) -> Flow:
    return Flow(flow.context, {Crash: crasher})


async def done(jobs: Jobs, runner: JobRunner, caller: Caller, *orders: Crash) -> list[Job]:
    """Done at the same time; as they have ended."""
    accepted = [(await jobs.submit(caller, order, OPTIONS)).jobs[0] for order in orders]
    async with asyncio.timeout(120):
        await asyncio.gather(*(runner.do(job) for job in accepted))
    return [await jobs.get(job.id) for job in accepted]


async def test_a_job_that_crashes_its_model_fails_alone(
    jobs: Jobs, runner: JobRunner, caller: Caller, crasher: Crasher, database: Database
) -> None:
    orders = [Crash(fatal=number == 1, beside=3) for number in range(4)]
    ended = await done(jobs, runner, caller, *orders)
    assert crasher.process.most_together == 4
    assert [job.state for job in ended] == ["completed", "failed", "completed", "completed"]
    account = await Accounts(database).get(caller.account)
    assert (account.available, account.reserved) == (CREDITS - 3 * 5, 0)


async def test_jobs_beside_one_that_crashes_its_model_use_up_no_attempt(
    jobs: Jobs, runner: JobRunner, caller: Caller
) -> None:
    orders = [Crash(fatal=number == 1, beside=3) for number in range(4)]
    ended = await done(jobs, runner, caller, *orders)
    assert [job.attempts for job in ended] == [0, ATTEMPTS + 1, 0, 0]


async def test_a_job_has_so_many_crashes_of_its_own_and_then_says_why_it_failed(
    jobs: Jobs, runner: JobRunner, caller: Caller, crasher: Crasher
) -> None:
    [job] = await done(jobs, runner, caller, Crash(fatal=True))
    assert crasher.process.crashes == 1 + ATTEMPTS + 1
    assert (job.error_code, job.credits) == ("internal_error", 0)
    assert job.error_message
    assert "crash" in job.error_message


async def test_a_job_that_is_cancelled_between_crashes_stays_cancelled(
    jobs: Jobs, runner: JobRunner, caller: Caller, crasher: Crasher
) -> None:
    job = (await jobs.submit(caller, Crash(fatal=True), OPTIONS)).jobs[0]
    await jobs.cancel(caller, job.id)
    await runner.do(job)
    assert (await jobs.get(job.id)).state == "cancelled"
    assert crasher.process.crashes == 1


async def test_a_crash_that_does_not_come_again_is_forgotten(
    jobs: Jobs, runner: JobRunner, caller: Caller, files: JobFiles
) -> None:
    [innocent, _] = await done(jobs, runner, caller, Crash(fatal=False, beside=1), Crash(fatal=True, beside=1))
    result = files._results.read(await files._results.get(innocent.id))
    assert b"".join([chunk async for chunk in result]) == b"Done."
