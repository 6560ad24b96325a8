import time
from dataclasses import replace

import pytest

from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database
from ttsai_server.store.webhooks import DELIVERED, FAILED, PENDING, Attempt, Delivery, WebhookLog, enter

FAILURE = Attempt(1, 1000.5, 0.25, 500, "HTTP 500", "oh no")
SUCCESS = Attempt(2, 1005.5, 0.125, 204, None, "")


@pytest.fixture
async def account(database: Database) -> str:
    return (await Accounts(database).create("Ann", "pro")).id


@pytest.fixture
async def delivery(database: Database, account: str) -> Delivery:
    return await opened(database, account, "msg_1")


async def opened(database: Database, account: str, id: str) -> Delivery:
    await WebhookLog(database).open(
        Delivery(id, account, "task_1", "task.completed", "https://a.example/hook", '{"é": 1}')
    )
    return await found(database, id)


async def found(database: Database, id: str) -> Delivery:
    delivery = await WebhookLog(database).get(id)
    assert delivery
    return delivery


async def test_a_new_delivery_is_due_now(delivery: Delivery, account: str) -> None:
    assert delivery.created_at == pytest.approx(time.time(), abs=30)
    assert delivery == Delivery(
        id="msg_1",
        account=account,
        task="task_1",
        event="task.completed",
        url="https://a.example/hook",
        payload='{"é": 1}',
        state=PENDING,
        created_at=delivery.created_at,
        next_attempt=delivery.created_at,
    )


async def test_an_unknown_delivery_is_none(database: Database) -> None:
    assert await WebhookLog(database).get("msg_0") is None


async def test_opening_again_changes_nothing(database: Database, delivery: Delivery) -> None:
    await WebhookLog(database).record(delivery.id, FAILURE, PENDING, 2000)
    before = await found(database, delivery.id)
    await WebhookLog(database).open(replace(delivery, payload="{}", attempts=()))
    assert await found(database, delivery.id) == before


async def test_a_delivery_opened_in_a_transaction_that_fails_is_not_there(database: Database, account: str) -> None:
    def enter_and_fail(connection: object) -> None:
        enter(connection, Delivery("msg_1", account, "t", "e", "u", "{}"))  # pyright: ignore[reportArgumentType]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(enter_and_fail)
    assert await WebhookLog(database).get("msg_1") is None


async def test_attempts_are_kept_in_order(database: Database, delivery: Delivery) -> None:
    log = WebhookLog(database)
    await log.record(delivery.id, FAILURE, PENDING, 2000)
    await log.record(delivery.id, SUCCESS, DELIVERED, None)
    assert await found(database, delivery.id) == replace(
        delivery, state=DELIVERED, next_attempt=None, attempts=(FAILURE, SUCCESS)
    )


async def test_an_attempt_noted_twice_counts_once(database: Database, delivery: Delivery) -> None:
    log = WebhookLog(database)
    await log.record(delivery.id, FAILURE, PENDING, 2000)
    await log.record(delivery.id, replace(FAILURE, status=503), FAILED, None)
    assert await found(database, delivery.id) == replace(delivery, next_attempt=2000, attempts=(FAILURE,))


async def test_what_is_delivered_stays_so(database: Database, delivery: Delivery) -> None:
    log = WebhookLog(database)
    await log.record(delivery.id, SUCCESS, DELIVERED, None)
    await log.record(delivery.id, FAILURE, PENDING, 2000)
    after = await found(database, delivery.id)
    assert (after.state, after.next_attempt, after.attempts) == (DELIVERED, None, (FAILURE, SUCCESS))


async def test_deliveries_are_listed_newest_first_with_their_attempts(database: Database, account: str) -> None:
    for id in ("msg_b", "msg_a", "msg_c"):
        await opened(database, account, id)
    await WebhookLog(database).record("msg_a", FAILURE, PENDING, 2000)
    listed = await WebhookLog(database).list(account, 10)
    assert [delivery.id for delivery in listed] == ["msg_c", "msg_a", "msg_b"]
    assert [delivery.attempts for delivery in listed] == [(), (FAILURE,), ()]


async def test_pages_cover_all_deliveries_once(database: Database, account: str) -> None:
    ids = [f"msg_{number}" for number in range(5)]
    for id in ids:
        await opened(database, account, id)
    pages: list[str] = []
    while page := await WebhookLog(database).list(account, 2, pages[-1] if pages else None):
        pages += [delivery.id for delivery in page]
    assert pages == ids[::-1]


async def test_an_account_sees_only_its_own(database: Database, delivery: Delivery) -> None:
    other = (await Accounts(database).create("Bob", "pro")).id
    await opened(database, other, "msg_2")
    assert [found.id for found in await WebhookLog(database).list(other, 10)] == ["msg_2"]
    assert await WebhookLog(database).list(delivery.account, 10, before="msg_2") == []


async def test_a_purge_forgets_the_old_with_their_attempts(database: Database, delivery: Delivery) -> None:
    log = WebhookLog(database)
    await log.record(delivery.id, FAILURE, PENDING, 2000)
    assert await log.purge(delivery.created_at) == 0
    assert await log.purge(delivery.created_at + 1) == 1
    assert await log.get(delivery.id) is None
    again = await opened(database, delivery.account, delivery.id)
    assert again.attempts == ()
