"""How much a plan admits: requests in any minute, and requests at the same time.

Both are checked and counted in one step, so that of any number of requests at once exactly as many get in as the plan
allows, and a refused one counts for nothing. The minute is a moving window: the times of the requests in it.
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
"""The window, seconds."""
BUSY_SECONDS = 1.0
"""When to come back after too many requests at the same time."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Leave to run one request, until it is released; and how much is left."""

    account: str
    lease: str
    limit: int
    """Requests in any minute."""
    remaining: int
    """How many of them are left."""
    reset: int
    """When the oldest of them leaves the window, Unix seconds."""

    @property
    def headers(self) -> Mapping[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


@dataclass(frozen=True, slots=True)
class Count:
    """An account's requests, this one included if it was admitted."""

    admitted: bool
    recent: int
    """In the last minute."""
    running: int
    """At the same time."""
    frees: float
    """Until the oldest leaves the window, seconds."""


class Limiter(ABC):
    async def admit(self, caller: Caller, plan: Plan) -> Admission:
        """Count one more request, to be ended by `release`. Raises RateLimited, which carries the rate headers.

        Raises LimiterDown if what counts can't be asked: then nobody is let in.
        """
        lease = token_hex(8)
        count = await self._enter(caller.account, lease, plan)
        remaining = max(0, plan.requests_per_minute - count.recent)
        reset = ceil(time.time() + count.frees)
        admission = Admission(caller.account, lease, plan.requests_per_minute, remaining, reset)
        if not count.admitted:
            raise _refusal(admission, plan, count)
        return admission

    @abstractmethod
    async def release(self, admission: Admission) -> None:
        """The request has ended. Idempotent."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of everything. Idempotent."""

    @abstractmethod
    async def _enter(self, account: str, lease: str, plan: Plan) -> Count: ...


def _refusal(admission: Admission, plan: Plan, count: Count) -> RateLimited:
    if admission.remaining:
        message = f"{count.running} requests are under way; the plan allows {plan.concurrent} at the same time."
        return RateLimited(message, retry_after=BUSY_SECONDS, rate_headers=admission.headers)
    message = f"The plan allows {plan.requests_per_minute} requests a minute."
    return RateLimited(message, retry_after=count.frees, rate_headers=admission.headers)


@dataclass(slots=True)
class _Tally:
    times: deque[float] = field(default_factory=deque[float])
    """When the requests of the last minute came, oldest first."""
    leases: set[str] = field(default_factory=set[str])


class MemoryLimiter(Limiter):
    """Counts in this process."""

    def __init__(self) -> None:
        self._tallies: dict[str, _Tally] = {}
        """By account; the one that came last is last."""

    async def _enter(self, account: str, lease: str, plan: Plan) -> Count:
        now = time.monotonic()
        tally = self._tallies.pop(account, None) or _Tally()
        self._forget_idle(now)
        self._tallies[account] = tally
        while tally.times and tally.times[0] <= now - MINUTE:
            tally.times.popleft()
        admitted = len(tally.times) < plan.requests_per_minute and len(tally.leases) < plan.concurrent
        if admitted:
            tally.times.append(now)
            tally.leases.add(lease)
        frees = tally.times[0] + MINUTE - now if tally.times else 0.0
        return Count(admitted, len(tally.times), len(tally.leases), frees)

    def _forget_idle(self, now: float) -> None:
        """Drop, or put last, the account that has been longest without a request: one a request keeps the map small."""
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
    """The limiter that the settings ask for. Raises ValueError for another kind of URL."""
    url = settings.limits.url
    if url == "memory://":
        return MemoryLimiter()
    if url.startswith(("redis://", "rediss://", "unix://")):
        from ttsai_server.services.limits_redis import RedisLimiter

        return RedisLimiter(url)
    raise ValueError(f"limits.url: memory:// or redis://, not {url}")
