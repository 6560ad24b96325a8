"""Models on other machines: a node that answers clients runs each stream of steps on one of `models.workers`.

A stream is a WebSocket to a worker, which leases the model while it is open; `remote_worker` is the other side.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from socket import SOCK_STREAM
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from ttsai_server.domain import ModelCard
from ttsai_server.errors import ApiError, ModelCrashed, ModelLoading, NotReady
from ttsai_server.runtime.base import NextStep
from ttsai_server.runtime.transfer import NEXT, receive_message, send_message
from ttsai_server.runtime.wire import Begin, Reply
from ttsai_server.settings import Models
from ttsai_server.tracing import traceparent

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 3
PING_SECONDS = 5
"""How often a worker is asked whether it is still there, and how long it may take to answer."""
NORMAL = 1000
"""Code of closing by this node, RFC 6455 §7.4.1; any other is the end of the worker."""
AVOID_SECONDS = 2
"""How long a worker that did not answer is asked only after the others."""
RETRY_SECONDS = 2
REFUSALS = {
    400: "is no worker",
    403: "has another store.secret_key than this node",
    404: "does not know this model: it is of another release, or has other cards",
}
"""Why a stream is refused, by the status of the answer."""


@dataclass(frozen=True, slots=True)
class Worker:
    url: str
    host: str
    """IP address: one of those that the name in `url` stands for."""
    port: int


class Workers:
    """The nodes that run models, and how busy this node keeps each."""

    def __init__(self, models: Models, token: str) -> None:
        """token: what the workers know this node by."""
        self._addresses = models.workers
        self._wait_seconds = models.load_wait_seconds
        self._headers = {"Authorization": f"Bearer {token}"}
        self._connected = dict["ClientConnection", Worker]()
        self._avoid_until = dict[Worker, float]()

    async def connect(self, card: ModelCard) -> "ClientConnection":
        """A connection to the least busy worker that has the model loaded, or can load it; `close` ends it.

        Raises ModelLoading if none answers, else what the last one said: also NotReady, or why loading failed.
        """
        until = _now() + self._wait_seconds
        refusal: ApiError = ModelLoading("No worker answers.", retry_after=RETRY_SECONDS)
        for worker in await self._in_order():
            try:
                connection = await self._open(worker, card)
            except (ModelLoading, NotReady) as error:
                refusal = error
            except ApiError as error:  # something is wrong there: as it does nothing, it would be taken first each time
                logger.error("the worker at %s (%s) can't load %s: %s", worker.url, worker.host, card.id, error.message)
                self._avoid(worker)
                refusal = error
            else:
                self._connected[connection] = worker
                return connection
            if _now() > until:
                break
        raise refusal

    async def close(self, connection: "ClientConnection") -> None:
        worker = self._connected.pop(connection)
        if connection.close_code not in (None, NORMAL):
            self._avoid(worker)
        await connection.close()

    async def _open(self, worker: Worker, card: ModelCard) -> "ClientConnection":
        """Raises ModelLoading if the worker does not answer, and what it says if it can't run the model."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidStatus, WebSocketException

        try:
            connection = await connect(
                f"{worker.url}/worker/{card.id}",
                host=worker.host,
                port=worker.port,
                additional_headers={**self._headers, "traceparent": traceparent()},
                compression=None,
                proxy=None,
                max_size=None,
                open_timeout=CONNECT_SECONDS,
                close_timeout=1,
                ping_interval=PING_SECONDS,
                ping_timeout=PING_SECONDS,
            )
            try:
                await _answer(connection)
            except BaseException:
                await connection.close()
                raise
        except InvalidStatus as error:
            if reason := REFUSALS.get(error.response.status_code):
                raise NotReady(f"The server at {worker.url} {reason}.") from None
            raise ModelLoading(f"The worker at {worker.url} says: {error}", retry_after=RETRY_SECONDS) from None
        except (OSError, WebSocketException) as error:  # TimeoutError is an OSError
            logger.warning("the worker at %s (%s) does not answer: %s", worker.url, worker.host, error)
            self._avoid(worker)
            raise ModelLoading("No worker answers.", retry_after=RETRY_SECONDS) from None
        self._avoid_until.pop(worker, None)
        return connection

    def _avoid(self, worker: Worker) -> None:
        self._avoid_until[worker] = _now() + AVOID_SECONDS

    async def _in_order(self) -> list[Worker]:
        """All workers in the order in which to try them; looked up anew, as there may be more than a moment ago."""
        busy, now = Counter(self._connected.values()), _now()
        found = {worker for address in self._addresses for worker in await _resolved(address)}

        def key(worker: Worker) -> tuple[bool, int, float]:
            return self._avoid_until.get(worker, 0) > now, busy[worker], random.random()

        return sorted(found, key=key)


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
        return await _answer(self._connection)


async def _answer(connection: "ClientConnection") -> Any:
    """What the worker's next reply holds. Raises the error in it, or ConnectionClosed."""

    async def receive() -> bytes:
        return await connection.recv(decode=False)

    reply: Reply = await receive_message(receive)
    if reply.error:
        raise reply.error
    return reply.value


async def _resolved(address: str) -> Sequence[Worker]:
    """The workers that an address stands for: one for each IP address of the name in it; none if it has none now."""
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    url = f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}{parts.path.rstrip('/')}"
    with suppress(OSError):
        found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, port, type=SOCK_STREAM)
        return [Worker(url, str(socket[0]), port) for *_, socket in found]
    logger.warning("the worker %s has no address", address)
    return []


def _now() -> float:
    return asyncio.get_running_loop().time()
