"""/worker/{model}: WebSockets by which another node of the same database runs a model here; see `runtime.remote`."""

import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from ttsai_server.api.authentication import sent_key
from ttsai_server.api.deps import Services
from ttsai_server.api.errors import render
from ttsai_server.domain import ModelCard
from ttsai_server.errors import ApiError, Forbidden, UnknownModel
from ttsai_server.runtime import remote_worker
from ttsai_server.runtime.base import Runtime
from ttsai_server.runtime.transfer import Receive, Send

router = APIRouter()

Work = Callable[[Runtime, ModelCard, Receive, Send], Awaitable[None]]


@router.websocket("/worker/{model}")
async def run(socket: WebSocket, model: str) -> None:
    """One stream of a model's steps."""
    await _serve(socket, model, remote_worker.serve)


@router.websocket("/worker/{model}/unload")
async def unload(socket: WebSocket, model: str) -> None:
    """Whether the model was freed."""
    await _serve(socket, model, remote_worker.unload)


async def _serve(socket: WebSocket, model: str, work: Work) -> None:
    services: Services = socket.app.state.services
    try:
        if not secrets.compare_digest(sent_key(socket.scope).encode(), services.node_token.encode()):
            raise Forbidden("This path is for the nodes of this server.")
        if model not in services.catalog.models:
            raise UnknownModel(model)
    except ApiError as error:
        return await socket.send_denial_response(render(error))

    async def receive() -> bytes:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise ConnectionResetError
        return message.get("bytes") or b""

    async def send(data: bytes) -> None:
        try:
            await socket.send_bytes(data)
        except (RuntimeError, WebSocketDisconnect) as error:
            raise ConnectionResetError from error

    await socket.accept()
    with suppress(ConnectionError):
        await work(services.runtime, services.catalog.models[model], receive, send)
    with suppress(RuntimeError, WebSocketDisconnect):  # it is closed already
        await socket.close()
    return None
