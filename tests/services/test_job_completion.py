"""A task's end and its money, however its ends are interleaved."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select

from ttsai_server.errors import InternalError, NotFound
from ttsai_server.services import job_completion
from ttsai_server.store import job_claims, jobs, ledger
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database
from ttsai_server.store.jobs import Batch, Job
from ttsai_server.store.leases import Holder
from ttsai_server.store.ledger import Used
from ttsai_server.store.tables import accounts, usage, webhook_deliveries
from ttsai_server.store.tables import ledger as lines

CREDITS = 1000
PRICE = 7
HOLDER = Holder.of("node", 30)
HOOK = "https://a.example/"
Step = Callable[[Connection, str], None]


@pytest.fixture
async def account(database: Database) -> str:
    return (await Accounts(database).create("Ann", "pro", CREDITS)).id


def ordered(connection: Connection, account: str, id: str, **fields: object) -> Job:
    held = ledger.reserve(connection, account, PRICE, time.time() + 3600)
    job = Job(id, account, "pro", "tts", "tone", "{}", "speech.mp3", "http://a", created_at=time.time())
    paid = replace(job, reservation=held.id, credits=PRICE, **fields)  # pyright: ignore[reportArgumentType]
    return jobs.add(connection, paid)


USED = Used("tts", "tone", 10, 1.5, PRICE)


def completed(connection: Connection, id: str) -> None:
    with suppress(NotFound):
        job_completion.complete(connection, id, USED)


def failed(connection: Connection, id: str) -> None:
    job_completion.fail(connection, id, InternalError("Oh."))


def begun(connection: Connection, _: str) -> None:
    job_claims.claim(connection, HOLDER, [], 100, time.time())


def cancelled(connection: Connection, id: str) -> None:
    job_completion.cancel(connection, id)


def payloads(connection: Connection) -> list[dict[str, object]]:
    return [json.loads(payload) for payload in connection.scalars(select(webhook_deliveries.c.payload))]


def balance(connection: Connection, account: str) -> tuple[int, int, int]:
    """Available, reserved, the ledger's sum."""
    row = connection.execute(select(accounts.c.available, accounts.c.reserved).where(accounts.c.id == account)).one()
    sum_ = connection.scalar(select(func.sum(lines.c.amount)).where(lines.c.account == account))
    return row.available, row.reserved, sum_ or 0


async def test_what_completes_is_charged(database: Database, account: str) -> None:
    await database.write(ordered, account, "task_1")
    await database.write(job_completion.complete, "task_1", USED)
    assert await database.read(balance, account) == (CREDITS - PRICE, 0, CREDITS - PRICE)


@pytest.mark.parametrize("end", [failed, cancelled])
async def test_what_does_not_complete_is_free(database: Database, account: str, end: Step) -> None:
    await database.write(ordered, account, "task_1")
    await database.write(end, "task_1")
    assert await database.read(balance, account) == (CREDITS, 0, CREDITS)


async def test_what_is_over_does_not_complete(database: Database, account: str) -> None:
    await database.write(ordered, account, "task_1")
    await database.write(cancelled, "task_1")
    with pytest.raises(NotFound):
        await database.write(job_completion.complete, "task_1", USED)


async def test_its_end_is_to_be_told(database: Database, account: str) -> None:
    await database.write(ordered, account, "task_1", webhook_url=HOOK)
    await database.write(job_completion.complete, "task_1", USED)
    [told] = await database.read(payloads)
    assert (told["task_id"], told["status"], told["credits_used"]) == ("task_1", "success", PRICE)


async def test_who_cancels_is_not_told(database: Database, account: str) -> None:
    await database.write(ordered, account, "task_1", webhook_url=HOOK)
    await database.write(cancelled, "task_1")
    assert await database.read(payloads) == []


async def test_a_batch_is_told_of_with_its_last_task(database: Database, account: str) -> None:
    await database.write(jobs.open_batch, Batch("batch_1", account, HOOK, "http://a", 3, time.time()))
    for number, end in enumerate((completed, failed, cancelled)):
        await database.write(ordered, account, f"task_{number}", batch="batch_1", number=number)
        assert await database.read(payloads) == []
        await database.write(end, f"task_{number}")
    [told] = await database.read(payloads)
    assert (told["task_id"], told["credits_used"]) == ("batch_1", PRICE)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.tuples(st.integers(0, 4), st.sampled_from([begun, completed, failed, cancelled])), max_size=30),
    crash=st.integers(0, 30),
)
async def test_however_ends_are_interleaved_the_books_balance(
    database: Database, steps: list[tuple[int, Step]], crash: int
) -> None:
    """At `crash` a transaction breaks off after its work."""
    account = (await Accounts(database).create("Ann", "pro", CREDITS)).id
    for number in range(5):
        await database.write(ordered, account, f"{account}_{number}")
    for at, (number, step) in enumerate(steps):
        with suppress(ZeroDivisionError):
            await database.write(broken_off if at == crash else done, step, f"{account}_{number}")
    available, reserved, sum_ = await database.read(balance, account)
    spent, open_ = await database.read(spent_and_open, account)
    assert (available, reserved) == (CREDITS - spent - PRICE * open_, PRICE * open_)
    assert sum_ == available


def done(connection: Connection, step: Step, id: str) -> None:
    step(connection, id)


def broken_off(connection: Connection, step: Step, id: str) -> None:
    done(connection, step, id)
    raise ZeroDivisionError


def spent_and_open(connection: Connection, account: str) -> tuple[int, int]:
    spent = connection.scalar(select(func.sum(usage.c.credits)).where(usage.c.account == account)) or 0
    of_account = select(func.count()).select_from(jobs.jobs).where(jobs.jobs.c.account == account)
    return spent, connection.scalar(of_account.where(jobs.jobs.c.ended_at.is_(None))) or 0
