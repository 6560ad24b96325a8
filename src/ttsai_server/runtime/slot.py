"""One model's place in the pool: its engine while loaded, who holds it, and whose turn it is."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from time import monotonic
from typing import TypeVar, cast

from ttsai_server.domain import Audio, ModelCard, SpeechRequest
from ttsai_server.engines.base import Cancellation, Engine, Synthesizer
from ttsai_server.errors import ModelLoading
from ttsai_server.runtime.base import ModelState, Playback
from ttsai_server.runtime.turns import NoTurn, Turns

T = TypeVar("T")

SATURATED_RETRY_SECONDS = 5


class Slot:
    """Also the handle that a lease gives: see `base.EngineHandle`."""

    def __init__(self, card: ModelCard, queue_wait_seconds: float) -> None:
        self.card = card
        self.engine: Engine | None = None
        self.loading: asyncio.Task[None] | None = None
        self.leases = 0
        self.last_used = monotonic()
        self._turns = Turns(card.concurrency)
        self._threads = ThreadPoolExecutor(card.concurrency, thread_name_prefix=card.id)
        self._queue_wait_seconds = queue_wait_seconds

    async def stream(self, request: SpeechRequest, playback: Playback) -> AsyncGenerator[Audio]:
        engine, cancellation = cast(Synthesizer, self.engine), Cancellation()
        with closing(engine.synthesize(request, cancellation)) as steps:
            while (audio := await self._step(steps, playback.due, cancellation)) is not None:
                playback.add(audio.seconds)
                yield audio

    async def _step(self, steps: Generator[Audio], due: float, cancellation: Cancellation) -> Audio | None:
        try:
            async with self._turns.turn(due, self._queue_wait_seconds):
                return await self.run(lambda: next(steps, None), cancellation)
        except NoTurn:
            raise self.saturated(f"no turn came in {self._queue_wait_seconds:g} s") from None

    async def run(self, work: Callable[[], T], cancellation: Cancellation | None = None) -> T:
        """Run in one of the model's threads. Cancelled, it tells the work to stop and waits until it has."""
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if cancellation:
                cancellation.cancel()
            await asyncio.wait([future])
            future.exception()  # seen: the task that would have heard of it is gone
            raise

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
