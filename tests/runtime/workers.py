"""A worker for other nodes' models, without the rest of a server: what `api.remote` does, in the test's own process."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from ttsai_server.domain import ModelCard
from ttsai_server.runtime import remote_worker
from ttsai_server.runtime.placement import starter
from ttsai_server.runtime.pool import Pool
from ttsai_server.runtime.transfer import PIECE
from ttsai_server.settings import Settings


@asynccontextmanager
async def worker_for(card: ModelCard, pool: Pool | None = None) -> AsyncGenerator[str]:
    """Address of a worker that runs this model, whichever it is asked for. pool: its own, to look into."""
    settings = Settings()
    pool = pool or Pool(settings.models, starter(settings))

    async def run(socket: ServerConnection) -> None:
        async def receive() -> bytes:
            try:
                return await socket.recv(decode=False)
            except ConnectionClosed as error:
                raise ConnectionResetError from error

        async def send(data: bytes) -> None:
            try:
                await socket.send(data)
            except ConnectionClosed as error:
                raise ConnectionResetError from error

        with suppress(ConnectionError):
            await remote_worker.serve(pool, card, receive, send)

    async with serve(run, "127.0.0.1", 0, max_size=2 * PIECE) as server:
        yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
    await pool.close()
