"""GET /v1/realtime, a WebSocket, and the client secrets that open it: OpenAI's Realtime API."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from typing import Any

import orjson
from anyio import to_thread
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from ttsai_server.api.authentication import sent_key
from ttsai_server.api.deps import AuthedServices, CurrentCaller, Services
from ttsai_server.api.errors import render
from ttsai_server.api.realtime_schemas import ClientSecretBody, NewClientSecret
from ttsai_server.api.schemas import KEYED
from ttsai_server.domain import Caller
from ttsai_server.errors import ApiError, BadRequest
from ttsai_server.services.client_secrets import CLIENT_SECRET
from ttsai_server.services.limits import Admission
from ttsai_server.services.realtime import config, planning
from ttsai_server.services.realtime.config import ConversationSession, Session
from ttsai_server.services.realtime.events import event, new_id
from ttsai_server.services.realtime.problems import Refused
from ttsai_server.services.realtime.session import RealtimeSession

router = APIRouter(tags=["realtime"])

SUBPROTOCOL = "realtime"
"""What browsers offer beside their key, and are answered."""


@router.post("/v1/realtime/client_secrets", responses=KEYED)
async def create_client_secret(
    body: ClientSecretBody, services: AuthedServices, caller: CurrentCaller
) -> NewClientSecret:
    """A short-lived key for a web page or an app, which opens realtime sessions of this configuration and no more."""
    given = body.session or {"type": "realtime"}
    session = await to_thread.run_sync(_checked, services, caller, given)
    value, expires_at = await to_thread.run_sync(
        services.client_secrets.create, caller, given, body.expires_after.seconds
    )
    shown = {"id": new_id("sess"), **session.shown(), "expires_at": expires_at}
    return NewClientSecret(value=value, expires_at=expires_at, session=shown)


@router.websocket("/v1/realtime")
async def realtime(socket: WebSocket) -> None:
    """A session: a conversation, or with `intent=transcription` only what is heard."""
    services: Services = socket.app.state.services
    caller: Caller = socket.scope["state"]["caller"]
    try:
        session = await _session(socket, services, caller)
    except ApiError as error:
        await socket.send_denial_response(render(error))
        return
    await socket.accept(SUBPROTOCOL if SUBPROTOCOL in socket.scope["subprotocols"] else None)
    connection = Connection(socket, services)
    running = RealtimeSession(services.flow.context, caller, session, connection.send, connection.admit)
    await running.run(connection.messages())
    with suppress(RuntimeError, WebSocketDisconnect):  # it is closed already
        await socket.close()


class Connection:
    """What a session sees of its WebSocket."""

    def __init__(self, socket: WebSocket, services: Services) -> None:
        self._socket = socket
        self._services = services
        self._gone = False

    async def send(self, event: Mapping[str, Any]) -> None:
        """Send an event; waits while the client does not read. To a client that has gone, nothing is sent."""
        if self._gone:
            return
        try:
            await self._socket.send_text(orjson.dumps(event).decode())
        except (RuntimeError, WebSocketDisconnect):
            self._gone = True

    async def messages(self) -> AsyncGenerator[str]:
        """The client's messages, until it goes, or the session has lasted or been silent for too long."""
        settings, now = self._services.settings.realtime, asyncio.get_running_loop().time
        end = now() + settings.max_seconds
        while True:
            try:
                async with asyncio.timeout_at(min(end, now() + settings.idle_seconds)):
                    message = await self._socket.receive()
            except TimeoutError:
                await self._expired(now() >= end)
                return
            if message["type"] == "websocket.disconnect":
                self._gone = True
                return
            yield message.get("text") or (message.get("bytes") or b"").decode(errors="replace")
            await asyncio.sleep(0)  # others' turn: a client may send more than one can look at

    async def admit(self) -> Admission | None:
        """Count one more turn. Raises RateLimited, or Unauthorized if the key has been revoked; None: nobody counts."""
        state, services = self._socket.scope["state"], self._services
        if "admission" not in state:
            return None
        caller = await services.accounts.check_key(state["caller"])
        return await services.limiter.admit_within(state["admission"], caller, services.settings.plans[caller.plan])

    async def _expired(self, whole: bool) -> None:
        settings = self._services.settings.realtime
        lasted = f"Your session hit the maximum duration of {settings.max_seconds / 60:g} minutes."
        silent = f"The client has sent nothing for {settings.idle_seconds:g} seconds."
        error = Refused("session_expired", lasted if whole else silent).shown()
        await self.send(event("error", error={**error, "event_id": None}))


async def _session(socket: WebSocket, services: Services, caller: Caller) -> Session:
    """How a session begins: as its client secret says, or its address. Raises ApiError."""
    query = socket.query_params
    key = sent_key(socket.scope)
    given: dict[str, Any] = {"type": "transcription"} if query.get("intent") == "transcription" else {}
    if key.startswith(CLIENT_SECRET):
        given = dict((await to_thread.run_sync(services.client_secrets.open, key)).session)
    elif not given and "model" in query:
        given = {"model": query["model"]}
    return await to_thread.run_sync(_checked, services, caller, given)


def _checked(services: Services, caller: Caller, given: Mapping[str, Any]) -> Session:
    """Blocking. Raises BadRequest for a configuration that can't be; UnknownModel, NoChatModel and NotReady."""
    context = services.flow.context
    try:
        session = config.parsed(given)
        if isinstance(session, ConversationSession):
            planning.check_model(context, session.model)
            context.chat.chosen()
        if given.get("audio"):
            planning.check(context, caller, session)
    except Refused as error:
        raise BadRequest(error.message, param=error.param) from None
    return session
