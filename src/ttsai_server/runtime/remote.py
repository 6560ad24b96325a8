"""Models on other machines: a node that answers clients runs each stream of steps on one of `models.workers`.

A stream is a WebSocket to a worker, which leases the model while it is open; `remote_worker` is the other side.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from ttsai_server.domain import ModelCard
from ttsai_server.errors import ModelCrashed
from ttsai_server.runtime.base import NextStep
from ttsai_server.runtime.pool import Pool
from ttsai_server.runtime.transfer import NEXT, send_message
from ttsai_server.runtime.wire import Begin
from ttsai_server.runtime.workers import RETRY_SECONDS, Workers, next_value
from ttsai_server.settings import Models

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection


class RemotePool(Pool):
    """See `base.Runtime`. Each worker decides for itself which models it has room for."""

    def __init__(self, models: Models, workers: Workers) -> None:
        super().__init__(models, partial(RemoteModel.start, workers=workers))
        self._workers = workers

    async def load(self, card: ModelCard) -> None:
        await self._workers.load(card)
        await super().load(card)

    async def unload(self, card: ModelCard) -> bool:
        await super().unload(card)
        return await self._workers.unload(card)


class RemoteModel:
    """See `base.LoadedModel`. A worker that ends is replaced by another, so it neither crashes nor ends by itself."""

    crashed = False
    memory_mb = 0
    cpu_seconds = None

    def __init__(self, card: ModelCard, workers: Workers) -> None:
        self.alive = True
        self._card = card
        self._workers = workers

    @classmethod
    async def start(cls, card: ModelCard, workers: Workers) -> Self:
        """Have a worker load the model. Raises as `Workers.connect`."""
        await workers.close(await workers.connect(card))
        return cls(card, workers)

    @asynccontextmanager
    async def steps(self, method: str, arguments: tuple[Any, ...], ahead: float = 0.0) -> AsyncGenerator[NextStep]:
        """See `base.LoadedModel`. If the worker ends before it has given the first step, another one begins anew."""
        stream = _Stream(self._card, self._workers, Begin(0, method, arguments, ahead))
        try:
            yield stream.next
        finally:
            await stream.close()

    async def close(self) -> None:
        self.alive = False


class _Stream:
    def __init__(self, card: ModelCard, workers: Workers, begin: Begin) -> None:
        self._card = card
        self._workers = workers
        self._begin = begin
        self._connection: ClientConnection | None = None
        self._yielded = False

    async def next(self) -> Any:
        """The next step. If cancelled, the worker learns it by the end of the connection."""
        from websockets.exceptions import ConnectionClosed

        for last in (self._yielded, True):
            try:
                value = await self._ask()
            except ConnectionClosed:
                await self.close()
                if last:
                    break
            except asyncio.CancelledError:
                await self.close()
                raise
            else:
                self._yielded = True
                return value
        raise ModelCrashed(f"The worker that ran {self._card.id!r} has ended.", retry_after=RETRY_SECONDS)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            await self._workers.close(connection)

    async def _ask(self) -> Any:
        if not self._connection:
            self._connection = await self._workers.connect(self._card)
            await send_message(self._connection.send, self._begin)
        await self._connection.send(NEXT)
        return await next_value(self._connection)
