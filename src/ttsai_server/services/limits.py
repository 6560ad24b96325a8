"""Rate limits of a plan: requests in any minute, and concurrent requests.

Both are checked and counted in one atomic step, so that of concurrent requests exactly as many are admitted as the plan
allows; refused ones are not counted. The minute is a sliding window over the times of the requests.
"""

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from secrets import token_hex

from ttsai_server.domain import Caller
from ttsai_server.errors import RateLimited
from ttsai_server.settings import Plan, Settings

MINUTE = 60.0
"""Length of the window, seconds."""
BUSY_SECONDS = 1.0
"""Retry-After for too many concurrent requests, seconds."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Permission to run one request, held until `release`; with the numbers for the rate limit headers."""

    account: str
    lease: str
    limit: int
    """Requests that the plan allows in any minute."""
    remaining: int
    """Requests still allowed now."""
    reset: int
    """When the oldest request leaves the window, Unix seconds."""

    @property
    def headers(self) -> Mapping[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


@dataclass(frozen=True, slots=True)
class Count:
    """An account's requests, including the new one if it was admitted."""

    admitted: bool
    recent: int
    """Requests in the last minute."""
    running: int
    """Concurrent requests."""
    frees_after: float
    """Seconds until the oldest request leaves the window."""


class Limiter(ABC):
    async def admit(self, caller: Caller, plan: Plan) -> Admission:
        """Count one more request, which `release` must end. Raises RateLimited, with the rate limit headers.

        Raises LimiterDown if requests can't be counted: then none is admitted.
        """
        return await self._admit(caller, plan, token_hex(8))

    async def admit_within(self, admission: Admission, caller: Caller, plan: Plan) -> Admission:
        """Count one more request, made within one that has been admitted and lasts; raises as `admit`.

        It is not concurrent with that one, and ends with it.
        """
        return await self._admit(caller, plan, admission.lease)

    async def _admit(self, caller: Caller, plan: Plan, lease: str) -> Admission:
        count = await self._enter(caller.account, lease, plan)
        remaining = max(0, plan.requests_per_minute - count.recent)
        reset = ceil(time.time() + count.frees_after)
        admission = Admission(caller.account, lease, plan.requests_per_minute, remaining, reset)
        if not count.admitted:
            raise _refusal(admission, plan, count)
        return admission

    @abstractmethod
    async def release(self, admission: Admission) -> None:
        """End the request, so that it no longer counts as concurrent. Idempotent."""

    @abstractmethod
    async def close(self) -> None:
        """Close all connections. Idempotent."""

    @abstractmethod
    async def _enter(self, account: str, lease: str, plan: Plan) -> Count:
        """Atomically check both limits, and count the request if it is admitted.

        lease: of this concurrent request; one that is held already does not count once more.
        """


def _refusal(admission: Admission, plan: Plan, count: Count) -> RateLimited:
    if admission.remaining:
        message = f"{count.running} requests are under way; the plan allows {plan.concurrent} at the same time."
        return RateLimited(message, retry_after=BUSY_SECONDS, rate_headers=admission.headers)
    message = f"The plan allows {plan.requests_per_minute} requests a minute."
    return RateLimited(message, retry_after=count.frees_after, rate_headers=admission.headers)


@dataclass(slots=True)
class _Tally:
    times: deque[float] = field(default_factory=deque[float])
    """Arrival times of the last minute's requests, oldest first, monotonic clock."""
    leases: set[str] = field(default_factory=set[str])


class MemoryLimiter(Limiter):
    """Counts in this process's memory."""

    def __init__(self) -> None:
        self._tallies: dict[str, _Tally] = {}
        """By account; the most recent one is last."""

    async def _enter(self, account: str, lease: str, plan: Plan) -> Count:
        now = time.monotonic()
        tally = self._tallies.pop(account, None) or _Tally()
        self._forget_idle(now)
        self._tallies[account] = tally
        while tally.times and tally.times[0] <= now - MINUTE:
            tally.times.popleft()
        free = lease in tally.leases or len(tally.leases) < plan.concurrent
        admitted = free and len(tally.times) < plan.requests_per_minute
        if admitted:
            tally.times.append(now)
            tally.leases.add(lease)
        frees = tally.times[0] + MINUTE - now if tally.times else 0.0
        return Count(admitted, len(tally.times), len(tally.leases), frees)

    def _forget_idle(self, now: float) -> None:
        """Look at the least recent account: drop it if idle, else move it to the end. One per request is enough."""
        account = next(iter(self._tallies), None)
        if account is not None:
            tally = self._tallies.pop(account)
            if tally.leases or (tally.times and tally.times[-1] > now - MINUTE):
                self._tallies[account] = tally

    async def release(self, admission: Admission) -> None:
        tally = self._tallies.get(admission.account)
        if tally:
            tally.leases.discard(admission.lease)

    async def close(self) -> None:
        pass


def open_limiter(settings: Settings) -> Limiter:
    """The limiter that the settings name. Raises ValueError for an unsupported URL."""
    url = settings.limits.url
    if url == "memory://":
        return MemoryLimiter()
    if url.startswith(("redis://", "rediss://", "unix://")):
        from ttsai_server.services.limits_redis import RedisLimiter

        return RedisLimiter(url)
    raise ValueError(f"limits.url: memory:// or redis://, not {url}")
