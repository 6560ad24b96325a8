"""A model in the server's own process: for engines without native code, and for tests."""

import time
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from typing import Any, Self

from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import Cancellation, Engine
from ttsai_server.runtime.base import NextStep
from ttsai_server.runtime.threads import in_thread


class InProcess:
    """See `base.LoadedModel`. The engine runs in a thread pool of its own."""

    def __init__(self, card: ModelCard, engine: Engine, threads: ThreadPoolExecutor) -> None:
        self.alive = True
        self.crashed = False
        self.memory_mb = card.memory
        self._engine = engine
        self._threads = threads

    @classmethod
    async def start(cls, card: ModelCard, steps: int, load: Callable[[ModelCard], Engine]) -> Self:
        """Load the card's engine with `load`. steps: how many may run at the same time. Raises what `load` raises."""
        threads = ThreadPoolExecutor(steps, thread_name_prefix=card.id)
        try:
            engine = await in_thread(threads, lambda: load(card), discard=lambda engine: engine.close())
        except BaseException:
            threads.shutdown(wait=False)
            raise
        return cls(card, engine, threads)

    @property
    def cpu_seconds(self) -> float | None:
        return time.process_time()

    @asynccontextmanager
    async def steps(self, method: str, arguments: tuple[Any, ...], ahead: float = 0.0) -> AsyncGenerator[NextStep]:
        cancellation = Cancellation()
        with closing(getattr(self._engine, method)(*arguments, cancellation)) as steps:
            yield lambda: in_thread(self._threads, lambda: next(steps, None), cancellation)

    async def close(self) -> None:
        if not self.alive:
            return
        self.alive = False
        await in_thread(self._threads, self._engine.close)
        self._threads.shutdown(wait=True)
