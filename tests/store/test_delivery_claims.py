"""Which webhook deliveries a server claims, on SQLite and Postgres."""

import time

import pytest

from ttsai_server.store import delivery_claims, webhooks
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database
from ttsai_server.store.delivery_claims import LEASES
from ttsai_server.store.leases import Holder
from ttsai_server.store.webhooks import DELIVERED, PENDING, Attempt, Delivery, WebhookLog

LEASE = 30.0
A, B = Holder.of("a", LEASE), Holder.of("b", LEASE)


@pytest.fixture
async def log(database: Database) -> WebhookLog:
    return WebhookLog(database)


async def enter(database: Database, *ids: str) -> None:
    account = (await Accounts(database).create("Ann", "pro")).id
    for id in ids:
        await database.write(webhooks.enter, Delivery(id, account, id, "task.completed", "http://a.example", "{}"))


def attempt(number: int) -> Attempt:
    return Attempt(number, 0.0, 0.1, 500, "no", "")


async def claim(
    database: Database, holder: Holder = A, most: int = 10, after: float = 1.0, most_each: int = 10
) -> list[Delivery]:
    return await database.write(delivery_claims.claim, holder, [], most, most_each, time.time() + after)


async def test_a_new_delivery_is_due(database: Database) -> None:
    await enter(database, "msg")
    assert [one.id for one in await claim(database)] == ["msg"]


async def test_a_claimed_delivery_is_claimed_by_nobody_else(database: Database) -> None:
    await enter(database, "msg")
    await claim(database)
    assert await claim(database, B) == []


async def test_so_many_are_attempted_at_a_time(database: Database) -> None:
    await enter(database, "a", "b", "c")
    [first] = await claim(database, most=1)
    rest = await database.write(delivery_claims.claim, A, [first], 2, 10, time.time() + 1)
    assert len(rest) == 1


async def test_one_accounts_deliveries_leave_room_for_anothers(database: Database) -> None:
    await enter(database, *(f"many {number}" for number in range(20)))
    first = await claim(database, most=10, most_each=4)
    assert len(first) == 4
    await enter(database, "other")
    rest = await database.write(delivery_claims.claim, A, first, 10, 4, time.time() + 1)
    assert [one.id for one in rest] == ["other"]
    more = await database.write(delivery_claims.claim, A, [*first[1:], *rest], 10, 4, time.time() + 1)
    assert [one.id[:4] for one in more] == ["many"]


async def test_a_failed_attempt_frees_it_for_the_next(database: Database, log: WebhookLog) -> None:
    await enter(database, "msg")
    await claim(database)
    await log.record("msg", attempt(1), PENDING, time.time() + 60)
    assert await claim(database, B) == []
    [delivery] = await claim(database, B, after=61)
    assert [one.number for one in delivery.attempts] == [1]


async def test_what_was_delivered_is_over(database: Database, log: WebhookLog) -> None:
    await enter(database, "msg")
    await claim(database)
    await log.record("msg", attempt(1), DELIVERED, None)
    assert await claim(database, B, after=LEASE + 1) == []


async def test_a_server_that_renews_nothing_is_taken_over(database: Database) -> None:
    await enter(database, "msg")
    await claim(database)
    assert [one.id for one in await claim(database, B, after=LEASE + 2)] == ["msg"]


async def test_a_server_that_starts_again_takes_up_its_deliveries_at_once(database: Database) -> None:
    await enter(database, "msg")
    await claim(database)
    await database.write(LEASES.release, "a")
    assert [one.id for one in await claim(database, Holder.of("a", LEASE))] == ["msg"]
