import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from tests import servers

from ttsai_server.domain import Caller
from ttsai_server.errors import LimiterDown, RateLimited
from ttsai_server.services.limits import Admission, Limiter, MemoryLimiter, open_limiter
from ttsai_server.services.limits_redis import RedisLimiter
from ttsai_server.settings import Limits, Plan, Settings

ANN = Caller("ann", "pro", "key_1")
BOB = Caller("bob", "pro", "key_2")


def plan(requests_per_minute: int = 60, concurrent: int = 1000) -> Plan:
    return Plan(requests_per_minute=requests_per_minute, concurrent=concurrent, max_characters=5000)


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.service)])
def url(request: pytest.FixtureRequest) -> str:
    return "memory://" if request.param == "memory" else request.getfixturevalue("valkey_url")


@pytest.fixture
async def limiter(url: str) -> AsyncIterator[Limiter]:
    limiter = open_limiter(Settings(limits=Limits(url=url)))
    yield limiter
    await limiter.close()


async def admitted(limiter: Limiter, count: int, of: Plan) -> list[Admission]:
    results = await asyncio.gather(*(limiter.admit(ANN, of) for _ in range(count)), return_exceptions=True)
    assert all(isinstance(result, Admission | RateLimited) for result in results)
    return [result for result in results if isinstance(result, Admission)]


async def test_of_200_at_once_exactly_60_get_in(limiter: Limiter) -> None:
    assert len(await admitted(limiter, 200, plan(60))) == 60


async def test_each_admission_counts_down(limiter: Limiter) -> None:
    assert [(await limiter.admit(ANN, plan(3))).remaining for _ in range(3)] == [2, 1, 0]


async def test_the_window_resets_a_minute_after_its_oldest_request(limiter: Limiter) -> None:
    now = time.time()
    admissions = [await limiter.admit(ANN, plan(3)) for _ in range(3)]
    assert all(now + 59 < admission.reset < now + 62 for admission in admissions)


async def test_a_refusal_carries_the_rate_headers(limiter: Limiter) -> None:
    first = await limiter.admit(ANN, plan(1))
    with pytest.raises(RateLimited) as caught:
        await limiter.admit(ANN, plan(1))
    headers = caught.value.headers
    assert 55 <= int(headers["Retry-After"]) <= 61
    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == ("1", "0")
    assert abs(int(headers["X-RateLimit-Reset"]) - first.reset) <= 1


async def test_only_so_many_run_at_the_same_time(limiter: Limiter) -> None:
    assert len(await admitted(limiter, 20, plan(60, concurrent=5))) == 5


async def test_a_request_that_ends_lets_another_in(limiter: Limiter) -> None:
    first = await limiter.admit(ANN, plan(concurrent=1))
    with pytest.raises(RateLimited, match="1 requests are under way"):
        await limiter.admit(ANN, plan(concurrent=1))
    await limiter.release(first)
    assert await limiter.admit(ANN, plan(concurrent=1))


async def test_a_second_release_does_nothing(limiter: Limiter) -> None:
    first, _ = await admitted(limiter, 2, plan(concurrent=2))
    await limiter.release(first)
    await limiter.release(first)
    assert len(await admitted(limiter, 2, plan(concurrent=2))) == 1


async def test_a_refused_request_does_not_count(limiter: Limiter) -> None:
    first = await limiter.admit(ANN, plan(2, concurrent=1))
    with pytest.raises(RateLimited) as caught:
        await limiter.admit(ANN, plan(2, concurrent=1))
    assert caught.value.headers["X-RateLimit-Remaining"] == "1"
    await limiter.release(first)
    assert (await limiter.admit(ANN, plan(2, concurrent=1))).remaining == 0


async def test_accounts_do_not_share_their_limits(limiter: Limiter) -> None:
    await limiter.admit(ANN, plan(1, concurrent=1))
    assert await limiter.admit(BOB, plan(1, concurrent=1))


async def test_a_minute_later_the_window_is_free_again(limiter: Limiter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ttsai_server.services.limits.MINUTE", 1.0)
    monkeypatch.setattr("ttsai_server.services.limits_redis.MINUTE", 1.0)
    assert len(await admitted(limiter, 5, plan(2))) == 2
    await asyncio.sleep(1.1)
    assert len(await admitted(limiter, 5, plan(2))) == 2


async def test_the_memory_of_idle_accounts_is_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ttsai_server.services.limits.MINUTE", 0.05)
    limiter = MemoryLimiter()
    for number in range(50):
        await limiter.release(await limiter.admit(Caller(str(number), "pro", ""), plan()))
    await limiter.admit(ANN, plan())
    await asyncio.sleep(0.06)
    for _ in range(60):
        await limiter.admit(ANN, plan(1000))
    assert list(limiter._tallies) == ["ann"]


async def test_two_servers_share_the_count_of_requests(valkey_url: str) -> None:
    one, two = RedisLimiter(valkey_url), RedisLimiter(valkey_url)
    both = await asyncio.gather(admitted(one, 100, plan(60)), admitted(two, 100, plan(60)))
    assert sum(map(len, both)) == 60
    await asyncio.gather(one.close(), two.close())


async def test_two_servers_share_the_requests_under_way(valkey_url: str) -> None:
    one, two = RedisLimiter(valkey_url), RedisLimiter(valkey_url)
    both = await asyncio.gather(*(admitted(server, 10, plan(concurrent=5)) for server in (one, two)))
    assert sum(map(len, both)) == 5
    await asyncio.gather(
        *(server.release(admission) for server, mine in zip((one, two), both, strict=True) for admission in mine)
    )
    assert len(await admitted(two, 10, plan(concurrent=5))) == 5
    await asyncio.gather(one.close(), two.close())


async def test_a_request_that_runs_keeps_its_lease(valkey_url: str) -> None:
    limiter = RedisLimiter(valkey_url, lease_seconds=1.5)
    await limiter.admit(ANN, plan(concurrent=1))
    await asyncio.sleep(2.5)
    with pytest.raises(RateLimited):
        await limiter.admit(ANN, plan(concurrent=1))
    await limiter.close()


async def test_a_renewal_that_comes_late_does_not_bring_a_lease_back(valkey_url: str) -> None:
    limiter = RedisLimiter(valkey_url)
    first = await limiter.admit(ANN, plan(concurrent=1))
    await limiter.release(first)
    limiter._leases[first.lease] = ANN.account
    await limiter._renew()
    assert await limiter.admit(ANN, plan(concurrent=1))
    await limiter.close()


async def test_the_leases_of_a_crashed_server_end(valkey_url: str) -> None:
    crashed, other = RedisLimiter(valkey_url, lease_seconds=0.3), RedisLimiter(valkey_url, lease_seconds=0.3)
    await crashed.admit(ANN, plan(concurrent=1))
    await crashed.close()
    await asyncio.sleep(0.4)
    assert await other.admit(ANN, plan(concurrent=1))
    await other.close()


async def test_nothing_is_left_in_redis_when_nothing_runs(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ttsai_server.services.limits_redis.MINUTE", 1.0)
    limiter = RedisLimiter(valkey_url)
    await limiter.release(await limiter.admit(ANN, plan()))
    await asyncio.sleep(1.2)
    async with Redis.from_url(valkey_url) as redis:
        assert await redis.keys("*") == []
    await limiter.close()


@pytest.mark.service
async def test_when_redis_has_gone_nobody_is_let_in() -> None:
    with servers.valkey() as url:
        limiter = RedisLimiter(url)
        await limiter.admit(ANN, plan())
    with pytest.raises(LimiterDown):
        await limiter.admit(ANN, plan())
    await limiter.close()


async def test_when_redis_hangs_nobody_waits_long_and_later_all_is_well(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ttsai_server.services.limits_redis.TIMEOUT_SECONDS", 0.2)
    limiter = RedisLimiter(valkey_url)
    async with Redis.from_url(valkey_url) as redis:
        await redis.execute_command("CLIENT", "PAUSE", "3000", "ALL")
    began = time.monotonic()
    with pytest.raises(LimiterDown):
        await limiter.admit(ANN, plan())
    assert time.monotonic() - began < 2.5
    await asyncio.sleep(3)
    assert await limiter.admit(ANN, plan())
    await limiter.close()


def test_another_kind_of_url_is_refused() -> None:
    with pytest.raises(ValueError, match="limits"):
        open_limiter(Settings(limits=Limits(url="memcached://host")))


async def test_requests_within_one_that_lasts_count_in_the_minute_but_not_as_concurrent(limiter: Limiter) -> None:
    session = await limiter.admit(ANN, plan(3, 1))
    turns = [await limiter.admit_within(session, ANN, plan(3, 1)) for _ in range(2)]
    assert [turn.remaining for turn in turns] == [1, 0]
    with pytest.raises(RateLimited):
        await limiter.admit_within(session, ANN, plan(3, 1))
    await limiter.release(session)
    await limiter.admit(ANN, plan(10, 1))
