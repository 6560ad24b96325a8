import asyncio

import pytest

from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database
from ttsai_server.store.idempotency import Answer, Idempotency

MINUTE = 60.0


@pytest.fixture
async def account(database: Database) -> str:
    return (await Accounts(database).create("Ann", "pro")).id


async def test_the_first_request_runs(database: Database, account: str) -> None:
    assert await Idempotency(database).begin(account, "k", MINUTE) is None


async def test_a_repeat_sees_that_the_first_runs(database: Database, account: str) -> None:
    await Idempotency(database).begin(account, "k", MINUTE)
    assert await Idempotency(database).begin(account, "k", MINUTE) == Answer("", "running", None, {}, None)


async def test_a_repeat_gets_the_answer_of_the_first(database: Database, account: str) -> None:
    await Idempotency(database).begin(account, "k", MINUTE)
    await Idempotency(database).finish(account, "k", "print", 200, {"Content-Type": "audio/mpeg"}, "bodies/1", MINUTE)
    kept = Answer("print", "done", 200, {"Content-Type": "audio/mpeg"}, "bodies/1")
    assert await Idempotency(database).begin(account, "k", MINUTE) == kept


async def test_keys_of_two_accounts_are_apart(database: Database, account: str) -> None:
    other = (await Accounts(database).create("Bob", "pro")).id
    await Idempotency(database).begin(account, "k", MINUTE)
    assert await Idempotency(database).begin(other, "k", MINUTE) is None


async def test_an_abandoned_request_may_run_again(database: Database, account: str) -> None:
    await Idempotency(database).begin(account, "k", MINUTE)
    await Idempotency(database).abandon(account, "k")
    assert await Idempotency(database).begin(account, "k", MINUTE) is None


async def test_a_request_that_was_never_finished_gives_way(database: Database, account: str) -> None:
    await Idempotency(database).begin(account, "k", -1)
    assert await Idempotency(database).begin(account, "k", MINUTE) is None
    assert await Idempotency(database).begin(account, "k", MINUTE) == Answer("", "running", None, {}, None)


async def test_an_expired_answer_gives_way_whole(database: Database, account: str) -> None:
    await Idempotency(database).begin(account, "k", MINUTE)
    await Idempotency(database).finish(account, "k", "print", 200, {"A": "b"}, "bodies/1", -1)
    assert await Idempotency(database).begin(account, "k", MINUTE) is None
    assert await Idempotency(database).begin(account, "k", MINUTE) == Answer("", "running", None, {}, None)


async def test_of_50_at_once_one_is_first(database: Database, account: str) -> None:
    begun = await asyncio.gather(*(Idempotency(database).begin(account, "k", MINUTE) for _ in range(50)))
    assert begun.count(None) == 1


async def test_expiring_tells_which_bodies_to_delete(database: Database, account: str) -> None:
    for key, ttl in (("old", -1.0), ("new", MINUTE)):
        await Idempotency(database).begin(account, key, MINUTE)
        await Idempotency(database).finish(account, key, "print", 200, {}, f"bodies/{key}", ttl)
    await Idempotency(database).begin(account, "crashed", -1)
    assert await Idempotency(database).expire() == ["bodies/old"]
    assert await Idempotency(database).expire() == []
