"""Rate limits counted in Redis, for several servers that share them."""

import asyncio
import logging
from contextlib import suppress
from secrets import token_hex

from ttsai_server.errors import LimiterDown
from ttsai_server.services.limits import MINUTE, Admission, Count, Limiter
from ttsai_server.settings import Plan

log = logging.getLogger(__name__)

LEASE_SECONDS = 30.0
"""When a lease that is not renewed expires: its server has crashed."""
CONNECTIONS = 32
"""Maximum number of connections to Redis; further requests wait for one."""
TIMEOUT_SECONDS = 2.0
"""For Redis to answer, and for a connection to become free. A command on a broken connection is retried once."""

ENTER = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1e6
local minute, ttl = tonumber(ARGV[4]), tonumber(ARGV[5])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - minute)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local recent, running = redis.call('ZCARD', KEYS[1]), redis.call('ZCARD', KEYS[2])
local held = redis.call('ZSCORE', KEYS[2], ARGV[1])
local admitted = recent < tonumber(ARGV[2]) and (held or running < tonumber(ARGV[3]))
if admitted then
  redis.call('ZADD', KEYS[1], now, ARGV[6])
  redis.call('ZADD', KEYS[2], now + ttl, ARGV[1])
  redis.call('EXPIRE', KEYS[1], math.ceil(minute))
  redis.call('EXPIRE', KEYS[2], math.ceil(ttl))
  recent, running = recent + 1, redis.call('ZCARD', KEYS[2])
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
local frees = oldest and (oldest + minute - now) or 0
return {admitted and 1 or 0, recent, running, string.format('%.6f', frees)}
"""
RENEW = """
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], 'XX', time[1] + time[2] / 1e6 + ARGV[2], ARGV[1])
redis.call('EXPIRE', KEYS[1], math.ceil(ARGV[2]))
"""


class RedisLimiter(Limiter):
    """One round trip per admission. Times come from Redis, so the servers' clocks need not agree."""

    def __init__(self, url: str, lease_seconds: float = LEASE_SECONDS) -> None:
        try:
            from redis.asyncio import BlockingConnectionPool, Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff
            from redis.exceptions import RedisError
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError("Redis needs the extra: pip install 'ttsai-server[redis]'") from error
        self._failure = RedisError
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=TIMEOUT_SECONDS,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
        self._redis = Redis.from_pool(pool)
        self._script = self._redis.register_script(ENTER)
        self._renewal = self._redis.register_script(RENEW)
        self._lease_seconds = lease_seconds
        self._leases: dict[str, str] = {}
        """Lease → account, for the requests running in this process."""
        self._keeping: asyncio.Task[None] | None = None

    async def _enter(self, account: str, lease: str, plan: Plan) -> Count:
        limits = (plan.requests_per_minute, plan.concurrent, MINUTE, self._lease_seconds, token_hex(8))
        keys = (f"ttsai:{{{account}}}:recent", _running(account))
        try:
            admitted, recent, running, frees = await self._script(keys, (lease, *limits))
        except self._failure as error:
            log.error("Redis does not answer: %s", error)
            raise LimiterDown from error
        if admitted:
            self._leases[lease] = account
            self._keeping = self._keeping or asyncio.create_task(self._keep())
        return Count(bool(admitted), recent, running, float(frees))

    async def release(self, admission: Admission) -> None:
        if self._leases.pop(admission.lease, None):
            await asyncio.shield(self._leave(admission))

    async def _leave(self, admission: Admission) -> None:
        try:
            await self._redis.zrem(_running(admission.account), admission.lease)
        except self._failure:
            log.warning("lease not released; it ends by itself", exc_info=True)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._lease_seconds / 3)
            try:
                await self._renew()
            except self._failure:
                log.warning("leases not renewed", exc_info=True)

    async def _renew(self) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for lease, account in tuple(self._leases.items()):
                await self._renewal((_running(account),), (lease, self._lease_seconds), client=pipeline)
            await pipeline.execute()

    async def close(self) -> None:
        if self._keeping:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping
        await self._redis.aclose()


def _running(account: str) -> str:
    """Redis key of an account's leases; the braces put both keys of an account on the same cluster node."""
    return f"ttsai:{{{account}}}:running"
