import asyncio
from collections.abc import Callable

import pytest

from ttsai_server.settings import Idempotency as Bounds
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import Database
from ttsai_server.store.idempotency import Answer, Idempotency
from ttsai_server.store.leases import Holder
from ttsai_server.store.request_leases import RequestLease, RequestLeases

MINUTE = 60.0
RUNNING = Answer("", "running", None, {}, None)
Serve = Callable[..., tuple[RequestLeases, Idempotency]]


@pytest.fixture
async def account(database: Database) -> str:
    return (await Accounts(database).create("Ann", "pro")).id


@pytest.fixture
def serve(database: Database) -> Serve:
    """Another process, of the node a unless another is named."""

    def process(node: str = "a", seconds: float = MINUTE, **bounds: int) -> tuple[RequestLeases, Idempotency]:
        leases = RequestLeases(database, Holder.of(node, seconds))
        return leases, Idempotency(database, leases, Bounds(**bounds))

    return process


@pytest.fixture
def answers(serve: Serve) -> Idempotency:
    return serve()[1]


async def first(answers: Idempotency, account: str, key: str = "k", ttl: float = MINUTE) -> RequestLease:
    claimed = await answers.begin(account, key, ttl)
    assert isinstance(claimed, RequestLease)
    return claimed


async def test_a_repeat_sees_that_the_first_runs(answers: Idempotency, account: str) -> None:
    await first(answers, account)
    assert await answers.begin(account, "k", MINUTE) == RUNNING


async def test_a_repeat_gets_the_answer_of_the_first(answers: Idempotency, account: str) -> None:
    lease = await first(answers, account)
    assert not await answers.finish(lease, "print", 200, {"Content-Type": "audio/mpeg"}, "bodies/1", MINUTE)
    kept = Answer("print", "done", 200, {"Content-Type": "audio/mpeg"}, "bodies/1")
    assert await answers.begin(account, "k", MINUTE) == kept


async def test_keys_of_two_accounts_are_apart(database: Database, answers: Idempotency, account: str) -> None:
    other = (await Accounts(database).create("Bob", "pro")).id
    await first(answers, account)
    await first(answers, other)


async def test_an_abandoned_request_may_run_again(answers: Idempotency, account: str) -> None:
    await answers.abandon(await first(answers, account))
    await first(answers, account)


async def test_a_request_that_was_never_finished_gives_way(answers: Idempotency, account: str) -> None:
    await first(answers, account, ttl=-1)
    await first(answers, account)
    assert await answers.begin(account, "k", MINUTE) == RUNNING


async def test_an_expired_answer_gives_way_whole(answers: Idempotency, account: str) -> None:
    lease = await first(answers, account)
    await answers.finish(lease, "print", 200, {"A": "b"}, "bodies/1", -1)
    await first(answers, account)
    assert await answers.begin(account, "k", MINUTE) == RUNNING


async def test_the_file_of_an_expired_answer_is_deleted_though_its_key_is_used_again(
    answers: Idempotency, account: str
) -> None:
    await answers.finish(await first(answers, account), "print", 200, {}, "bodies/1", -1)
    await answers.finish(await first(answers, account), "print", 200, {}, "bodies/2", MINUTE)
    assert await answers.expire() == ["bodies/1"]
    again = await answers.begin(account, "k", MINUTE)
    assert isinstance(again, Answer)
    assert again.body == "bodies/2"


async def test_the_answers_of_a_conversation_are_forgotten_together(answers: Idempotency, account: str) -> None:
    for key, conversation in (("1", "conv_a"), ("2", "conv_b"), ("3", "conv_a"), ("4", None)):
        lease = await first(answers, account, key)
        await answers.finish(lease, "print", 200, {}, f"bodies/{key}", MINUTE, conversation=conversation)
    assert sorted(await answers.forget(account, "conv_a")) == ["bodies/1", "bodies/3"]
    assert isinstance(await answers.begin(account, "1", MINUTE), RequestLease)
    others = [await answers.begin(account, key, MINUTE) for key in "24"]
    assert all(isinstance(other, Answer) for other in others)


async def test_of_50_at_once_one_is_first(answers: Idempotency, account: str) -> None:
    begun = await asyncio.gather(*(answers.begin(account, "k", MINUTE) for _ in range(50)))
    assert sum(isinstance(one, RequestLease) for one in begun) == 1


async def test_expiring_tells_which_bodies_to_delete(answers: Idempotency, account: str) -> None:
    for key, ttl in (("old", -1.0), ("new", MINUTE)):
        await answers.finish(await first(answers, account, key), "print", 200, {}, f"bodies/{key}", ttl)
    await first(answers, account, "crashed", ttl=-1)
    assert await answers.expire() == ["bodies/old"]
    assert await answers.expire() == []


async def test_a_request_of_a_process_that_died_gives_way_when_its_node_starts(serve: Serve, account: str) -> None:
    await first(serve()[1], account)
    leases, answers = serve()
    assert await answers.begin(account, "k", MINUTE) == RUNNING
    await leases.expire_earlier()
    await first(answers, account)


async def test_a_start_leaves_other_nodes_requests_alone(serve: Serve, account: str) -> None:
    await first(serve("a")[1], account)
    leases, answers = serve("b")
    await leases.expire_earlier()
    assert await answers.begin(account, "k", MINUTE) == RUNNING


async def test_a_request_gives_way_when_its_lease_is_over(serve: Serve, account: str) -> None:
    await first(serve("a", seconds=-1)[1], account)
    await first(serve("b")[1], account)


async def test_an_answer_that_comes_after_its_request_gave_way_is_not_kept(serve: Serve, account: str) -> None:
    _, slow = serve("a", seconds=-1)
    late = await first(slow, account)
    _, quick = serve("b")
    lease = await first(quick, account)
    assert await slow.finish(late, "print", 200, {}, "bodies/late", MINUTE) == ["bodies/late"]
    await slow.abandon(late)
    assert not await quick.finish(lease, "print", 200, {}, "bodies/quick", MINUTE)


async def keep(answers: Idempotency, account: str, key: str, size: int) -> list[str]:
    lease = await first(answers, account, key)
    return await answers.finish(lease, "print", 200, {}, f"bodies/{key}", MINUTE, size)


async def test_an_accounts_oldest_answers_make_room_for_its_new_ones(
    serve: Serve, account: str, database: Database
) -> None:
    _, answers = serve(account_quota_mb=1)
    other = (await Accounts(database).create("Bob", "pro")).id
    assert await keep(answers, other, "theirs", 900_000) == []
    assert await keep(answers, account, "1", 400_000) == []
    assert await keep(answers, account, "2", 400_000) == []
    assert sorted(await keep(answers, account, "3", 700_000)) == ["bodies/1", "bodies/2"]
    assert isinstance(await answers.begin(account, "1", MINUTE), RequestLease)
    for who, key in ((account, "3"), (other, "theirs")):
        assert isinstance(await answers.begin(who, key, MINUTE), Answer)


async def test_however_short_answers_are_an_account_keeps_no_end_of_them(serve: Serve, account: str) -> None:
    _, answers = serve(account_quota_mb=1)
    shed = [body for number in range(65) for body in await keep(answers, account, f"{number:02}", 1)]
    assert shed == [f"bodies/{number:02}" for number in range(4)]


async def test_a_body_is_no_longer_than_the_room_there_is(serve: Serve, account: str) -> None:
    _, answers = serve(account_quota_mb=2, quota_mb=3)
    assert await answers.most_bytes() == 2_000_000
    await keep(answers, account, "1", 1_500_000)
    _, answers = serve(account_quota_mb=2, quota_mb=3)
    assert await answers.most_bytes() == 1_500_000
