"""A capability that only the registry knows, in a request and in a job, and the runs that it is made of."""

from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, select
from tests.services.conftest import CREDITS
from tests.services.dialogue import Dialogue

from ttsai_server.domain import Caller
from ttsai_server.errors import BadRequest, EngineFailed, InsufficientCredits
from ttsai_server.services.flow import Flow, Order, Outcome, OutputFile
from ttsai_server.services.job_files import JobFiles
from ttsai_server.services.job_runner import JobRunner
from ttsai_server.services.jobs import JobOptions, Jobs
from ttsai_server.services.registry import PLANNERS
from ttsai_server.services.tools import Transcode
from ttsai_server.services.transcription import TranscriptionOrder
from ttsai_server.store.accounts import Account, Accounts
from ttsai_server.store.db import Database
from ttsai_server.store.tables import usage

LINES = ("Hello there.", "How are you today?")
BREAKING = ("Hello there.", "Oh, this breaks the engine.")


async def account(database: Database, caller: Caller) -> Account:
    return await Accounts(database).get(caller.account)


def charges(connection: Connection, account: str) -> list[tuple[str, int]]:
    rows = connection.execute(select(usage.c.service, usage.c.credits).where(usage.c.account == account))
    return [(row.service, row.credits) for row in rows]


def credits_counted(flow: Flow) -> float:
    return flow.context.metrics.credits.labels("tone")._value.get()


async def test_a_run_in_a_request_charges_once_for_all_its_parts(
    flow: Flow, caller: Caller, database: Database
) -> None:
    run = await flow.start(caller, Dialogue(LINES))
    await run.finish()
    assert await database.read(charges, caller.account) == [("dialogue", 1)]
    after = await account(database, caller)
    assert (after.available, after.reserved) == (CREDITS - 1, 0)
    assert credits_counted(flow) == 1


async def test_the_sound_of_the_parts_is_counted_once(flow: Flow, caller: Caller) -> None:
    run = await flow.start(caller, Dialogue(LINES))
    await run.finish()
    assert flow.context.metrics.audio_seconds.labels("tone")._value.get() == pytest.approx(run.used().seconds)
    assert flow.context.metrics.characters.labels("tone")._value.get() == sum(map(len, LINES))


async def test_a_run_whose_second_part_fails_charges_nothing(flow: Flow, caller: Caller, database: Database) -> None:
    run = await flow.start(caller, Dialogue(BREAKING))
    with pytest.raises(EngineFailed):
        await run.finish()
    after = await account(database, caller)
    assert (after.available, after.reserved) == (CREDITS, 0)
    assert credits_counted(flow) == 0


async def test_a_run_that_is_left_early_charges_what_was_made(flow: Flow, caller: Caller, database: Database) -> None:
    run = await flow.start(caller, Dialogue(tuple(letter * 600 for letter in ("ab ", "cd ", "ef "))))
    assert await run.credits() == 6
    async with aclosing(run.steps()) as steps:
        assert await anext(steps) == 1
    assert await database.read(charges, caller.account) == [("dialogue", 2)]
    assert (await account(database, caller)).reserved == 0


async def test_a_run_whose_result_can_not_be_delivered_charges_nothing(
    flow: Flow, caller: Caller, database: Database
) -> None:
    async def deliver(outcome: Outcome) -> None:
        raise BadRequest("The store is full.")

    with pytest.raises(BadRequest):
        await (await flow.start(caller, Dialogue(LINES))).finish(deliver)
    after = await account(database, caller)
    assert (after.available, after.reserved) == (CREDITS, 0)


async def test_a_run_that_can_not_be_paid_is_not_begun(flow: Flow, database: Database) -> None:
    poor = await Accounts(database).create("Bob", "pro", 0)
    run = await flow.start(Caller(poor.id, poor.plan, ""), Dialogue(LINES))
    with pytest.raises(InsufficientCredits):
        await run.finish()
    assert run.progress == 0


async def test_an_order_is_checked_before_anything_is_paid(flow: Flow, caller: Caller, database: Database) -> None:
    with pytest.raises(BadRequest):
        await flow.start(caller, Dialogue(("Hello.", "")))
    assert (await account(database, caller)).available == CREDITS


async def test_a_job_has_the_result_of_the_request_and_the_same_price(
    flow: Flow, caller: Caller, jobs: Jobs, runner: JobRunner, files: JobFiles, database: Database
) -> None:
    accepted = await jobs.submit(caller, Dialogue(LINES), JobOptions("http://a"))
    [job] = accepted.jobs
    assert (job.kind, job.model, job.name, job.credits) == ("dialogue", "tone", "dialogue.json", 1)
    await runner.do(job)
    done = await jobs.get(job.id)
    assert (done.state, done.credits) == ("completed", 1)
    run = await flow.unbilled().start(caller, Dialogue(LINES))
    await run.finish()
    asked = (await run.outcome()).result
    assert isinstance(asked, OutputFile)
    stored = files._results.read(await files._results.get(job.id))
    assert b"".join([chunk async for chunk in stored]) == asked.file.read()
    assert await database.read(charges, caller.account) == [("dialogue", 1)]
    assert credits_counted(flow) == 1


async def test_a_job_whose_second_part_fails_charges_nothing(
    caller: Caller, jobs: Jobs, runner: JobRunner, database: Database
) -> None:
    [job] = (await jobs.submit(caller, Dialogue(BREAKING), JobOptions("http://a"))).jobs
    await runner.do(job)
    assert (await jobs.get(job.id)).error_code == "internal_error"
    after = await account(database, caller)
    assert (after.available, after.reserved) == (CREDITS, 0)


async def test_a_batch_of_any_kind_is_accepted(caller: Caller, jobs: Jobs, runner: JobRunner) -> None:
    orders = [Dialogue(LINES), BadRequest("What?"), Dialogue(("",))]
    _, accepted = await jobs.submit_batch(caller, Dialogue.kind, orders, JobOptions("http://a"))
    assert [job.state for job in accepted.jobs] == ["queued", "failed", "failed"]
    await runner.do(accepted.jobs[0])
    assert (await jobs.get(accepted.jobs[0].id)).state == "completed"


@given(
    order=st.one_of(
        st.builds(Transcode, st.text(), st.none() | st.integers(), st.none() | st.integers()),
        st.builds(TranscriptionOrder, st.text(), diarize=st.sampled_from([True, False, "channel"]), prompt=st.text()),
    )
)
def test_an_order_is_read_from_its_json_as_it_was(order: Transcode | TranscriptionOrder) -> None:
    assert type(order).from_json(order.to_json()) == order


@pytest.mark.parametrize("order", PLANNERS)
def test_each_kind_of_order_has_a_name_of_its_own(order: type[Order[Any]]) -> None:
    assert [other for other in PLANNERS if other.kind == order.kind] == [order]


async def test_what_is_found_while_a_job_is_done_is_kept_with_it(caller: Caller, jobs: Jobs, runner: JobRunner) -> None:
    lines = Dialogue(("Good day to you, Мария.", "Good day to you too, Мария."))
    (job,) = (await jobs.submit(caller, lines, JobOptions("http://a"))).jobs
    assert (await jobs.get(job.id)).warnings is None
    await runner.do(job)
    told = (await jobs.get(job.id)).warnings or ()
    assert len(told) == 1
    assert "Cyrillic" in told[0]
