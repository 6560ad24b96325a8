"""The nodes of `models.workers`: what they are asked over WebSockets, and how busy this node keeps each."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from socket import SOCK_STREAM
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ttsai_server.domain import ModelCard
from ttsai_server.errors import ApiError, ModelLoading, NotReady
from ttsai_server.runtime.transfer import receive_message
from ttsai_server.runtime.wire import Reply
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
    400: "A server in models.workers is no worker",
    403: "A worker has another store.secret_key than this node",
    404: "A worker does not know this model: it is of another release, or has other cards",
}
"""Why a worker refuses to be asked, by the status of its answer. Clients may read it, so it names no address."""


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
        refusal: ApiError = _no_answer()
        for worker in await self._in_order():
            try:
                connection, _ = await self._ask(worker, card.id)
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

    async def load(self, card: ModelCard) -> None:
        """Have every worker load the model. Raises as `connect` if none does; what else fails is in the log."""
        await self._ask_all(card.id)

    async def unload(self, card: ModelCard) -> bool:
        """Have every worker free the model. → False if none could. Raises as `connect` if none replies."""
        return any(await self._ask_all(f"{card.id}/unload"))

    async def close(self, connection: "ClientConnection") -> None:
        worker = self._connected.pop(connection)
        if connection.close_code not in (None, NORMAL):
            self._avoid(worker)
        await connection.close()

    async def _ask_all(self, path: str) -> list[Any]:
        """What the workers reply that do. Raises the last refusal if none does."""
        replies, refusal = list[Any](), _no_answer()

        async def ask(worker: Worker) -> None:
            nonlocal refusal
            try:
                connection, reply = await self._ask(worker, path)
            except ApiError as error:
                logger.warning("the worker at %s (%s) refuses %s: %s", worker.url, worker.host, path, error.message)
                refusal = error
            else:
                await connection.close()
                replies.append(reply)

        await asyncio.gather(*map(ask, await self._in_order()))
        if not replies:
            raise refusal
        return replies

    async def _ask(self, worker: Worker, path: str) -> tuple["ClientConnection", Any]:
        """A connection to a worker, for `path` below /worker/, and the first value that comes by it.

        Raises ModelLoading if the worker does not answer, else what it says.
        """
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidStatus, WebSocketException

        try:
            connection = await connect(
                f"{worker.url}/worker/{path}",
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
                value = await next_value(connection)
            except BaseException:
                await connection.close()
                raise
        except InvalidStatus as error:
            logger.error("the worker at %s (%s) refuses this node: %s", worker.url, worker.host, error)
            if reason := REFUSALS.get(error.response.status_code):
                raise NotReady(f"{reason}. This node's log says which.") from None
            raise ModelLoading("A worker takes no work now.", retry_after=RETRY_SECONDS) from None
        except (OSError, WebSocketException) as error:  # TimeoutError is an OSError
            logger.warning("the worker at %s (%s) does not answer: %s", worker.url, worker.host, error)
            self._avoid(worker)
            raise _no_answer() from None
        self._avoid_until.pop(worker, None)
        return connection, value

    def _avoid(self, worker: Worker) -> None:
        self._avoid_until[worker] = _now() + AVOID_SECONDS

    async def _in_order(self) -> list[Worker]:
        """All workers in the order in which to try them; looked up anew, as there may be more than a moment ago."""
        busy, now = Counter(self._connected.values()), _now()
        found = {worker for address in self._addresses for worker in await _resolved(address)}

        def key(worker: Worker) -> tuple[bool, int, float]:
            return self._avoid_until.get(worker, 0) > now, busy[worker], random.random()

        return sorted(found, key=key)


async def next_value(connection: "ClientConnection") -> Any:
    """What a worker's next reply holds. Raises the error in it, or ConnectionClosed."""

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


def _no_answer() -> ApiError:
    return ModelLoading("No worker answers.", retry_after=RETRY_SECONDS)


def _now() -> float:
    return asyncio.get_running_loop().time()
