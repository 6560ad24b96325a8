"""One model's place in the pool: its engine while loaded, who holds it, and whose turn it is."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from time import monotonic
from typing import Any, TypeVar

from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import Cancellation, Engine
from ttsai_server.errors import ModelLoading
from ttsai_server.runtime.base import Arguments, ModelState, Playback, S
from ttsai_server.runtime.scheduler import DeadlineSemaphore, NoTurn
from ttsai_server.runtime.threads import in_thread

T = TypeVar("T")

SATURATED_RETRY_SECONDS = 5


class Slot:
    """Also the handle that a lease gives: see `base.EngineHandle`."""

    def __init__(self, card: ModelCard, steps: int, queue_wait_seconds: float) -> None:
        """steps: how many run at the same time."""
        self.card = card
        self.engine: Engine | None = None
        self.loading: asyncio.Task[None] | None = None
        self.leases = 0
        self.last_used = monotonic()
        self._turns = DeadlineSemaphore(steps)
        self._threads = ThreadPoolExecutor(steps, thread_name_prefix=card.id)
        self._queue_wait_seconds = queue_wait_seconds

    async def run(
        self,
        method: Callable[[Any, *Arguments, Cancellation], Generator[S]],
        *arguments: *Arguments,
        playback: Playback | None = None,
    ) -> AsyncGenerator[S]:
        playback = playback or Playback()
        cancellation = Cancellation()
        with closing(getattr(self.engine, method.__name__)(*arguments, cancellation)) as steps:
            while step := await self._step(steps, playback.due, cancellation):
                playback.add(step.seconds)
                yield step
                if step.last:  # a turn to hear that there is no more would come when the sound has run out
                    return

    async def _step(self, steps: Generator[S], due: float, cancellation: Cancellation) -> S | None:
        try:
            async with self._turns.turn(due, self._queue_wait_seconds):
                return await self.in_thread(lambda: next(steps, None), cancellation)
        except NoTurn:
            raise self.saturated(f"no turn came in {self._queue_wait_seconds:g} s") from None

    async def in_thread(self, work: Callable[[], T], cancellation: Cancellation | None = None) -> T:
        """Run in one of the model's threads, as `threads.in_thread`."""
        return await in_thread(self._threads, work, cancellation)

    def saturated(self, why: str) -> ModelLoading:
        return ModelLoading(f"{self.card.id!r} is busy: {why}.", retry_after=SATURATED_RETRY_SECONDS)

    def state(self) -> ModelState:
        return ModelState(
            id=self.card.id,
            loaded=self.engine is not None,
            loading=self.loading is not None,
            memory_mb=self.card.memory if self.engine else 0,
            leases=self.leases,
            waiting=self._turns.waiting,
            idle_seconds=0 if self.leases else monotonic() - self.last_used,
        )

    def close(self) -> None:
        """End the threads, once what they run has ended."""
        self._threads.shutdown(wait=True, cancel_futures=True)
