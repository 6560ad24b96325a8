"""The WebSocket /elevenlabs/v1/text-to-speech/{voice_id}/stream-input: speech of a text that is still being written."""

import asyncio
import base64
from collections.abc import Mapping
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Annotated

import orjson
from anyio import to_thread
from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect
from pydantic import ValidationError

from ttsai_server.api.deps import Services
from ttsai_server.api.elevenlabs.formats import DEFAULT, AskedFormat
from ttsai_server.api.elevenlabs.schemas import ANY_MODEL, InputMessage, SpeechBody
from ttsai_server.api.elevenlabs.speech import speech_order
from ttsai_server.api.errors import elevenlabs_error, render, unexpected_error
from ttsai_server.domain import Caller
from ttsai_server.errors import ApiError, BadRequest, InternalError
from ttsai_server.services.live_speech import LiveSpeech, start_live_speech
from ttsai_server.services.speech import SpeechOrder

router = APIRouter()

POLICY_VIOLATION = 1008
"""Code of closing after an error, RFC 6455 §7.4.1; ElevenLabs has it for all of them."""


@router.websocket("/elevenlabs/v1/text-to-speech/{voice_id}/stream-input")
async def stream_input(
    socket: WebSocket,
    voice_id: str,
    model_id: str = ANY_MODEL,
    language_code: str | None = None,
    output_format: AskedFormat = DEFAULT,
    inactivity_timeout: Annotated[int, Query(ge=1, le=180)] = 20,
) -> None:
    """The client sends its text in parts; each sentence is spoken as soon as it is complete."""
    services: Services = socket.app.state.services
    caller: Caller = socket.scope["state"]["caller"]
    body = SpeechBody(text="", model_id=model_id, language_code=language_code)
    order = speech_order(services.settings, voice_id, body, output_format)
    try:
        speech = await to_thread.run_sync(start_live_speech, services.flow.context, caller, order)
    except ApiError as error:
        await socket.send_denial_response(render(error))
        return
    await socket.accept()
    with suppress(WebSocketDisconnect):  # the client has gone
        await Dictation(socket, services, speech, order, inactivity_timeout).run()


class Dictation:
    """One session: texts come in, sound goes out, both at the same time."""

    def __init__(
        self, socket: WebSocket, services: Services, speech: LiveSpeech, order: SpeechOrder, idle_seconds: float
    ) -> None:
        """idle_seconds: how long the client may send nothing before its text has ended."""
        self._socket = socket
        self._services = services
        self._speech = speech
        self._order = order
        self._idle_seconds = idle_seconds

    async def run(self) -> None:
        """Until the text has been spoken, the client has gone, or something is wrong, which it is told."""
        try:
            first = await self._message()
            await self._begin(first)
            await self._converse(first)
        except ApiError as error:
            await self._refuse(error)
        else:
            await self._close()

    async def _begin(self, first: InputMessage) -> None:
        """Apply the settings of the first message."""
        if (speed := first.voice_settings.speed) != self._order.speed:
            order, caller = replace(self._order, speed=speed), self._socket.scope["state"]["caller"]
            context = self._services.flow.context
            self._speech = await to_thread.run_sync(start_live_speech, context, caller, order)

    async def _converse(self, first: InputMessage) -> None:
        """Raises what ends it: ApiError, or WebSocketDisconnect if the client goes."""
        tasks = [asyncio.ensure_future(work) for work in (self._send(), self._receive(first))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self) -> None:
        speech = self._speech
        async with aclosing(speech.chunks()) as chunks:
            async for chunk in chunks:
                if chunk and speech.text.spoken:
                    await self._tell(base64.b64encode(chunk).decode(), last=False)
        if speech.refusal:
            raise speech.refusal
        await self._tell(None, last=True)

    async def _tell(self, audio: str | None, *, last: bool) -> None:
        message = {"audio": audio, "isFinal": last, "alignment": None, "normalizedAlignment": None}
        await self._deliver(message)

    async def _deliver(self, message: Mapping[str, object]) -> None:
        """Raises WebSocketDisconnect if the client has gone."""
        try:
            await self._socket.send_text(orjson.dumps(message).decode())
        except RuntimeError:
            raise WebSocketDisconnect from None

    async def _receive(self, first: InputMessage) -> None:
        """Take the client's text, then wait until it goes."""
        speech, message = self._speech, first
        while message.text:
            speech.add(message.text)
            if message.flush:
                speech.text.flush()
            message = await self._message()
        speech.text.end()
        while (await self._socket.receive())["type"] != "websocket.disconnect":
            pass
        raise WebSocketDisconnect

    async def _message(self) -> InputMessage:
        """The next message. Raises WebSocketDisconnect if the client goes, BadRequest for one that can't be read."""
        try:
            async with asyncio.timeout(self._idle_seconds):
                data = await self._socket.receive_text()
            return InputMessage.model_validate_json(data)
        except TimeoutError:
            raise BadRequest(f"No text has come for {self._idle_seconds:g} seconds.") from None
        except (KeyError, ValidationError):
            raise BadRequest('Each message must be JSON with the string "text".', param="text") from None

    async def _refuse(self, error: ApiError) -> None:
        if isinstance(error, InternalError):
            error = unexpected_error(self._socket.scope["state"]["request_id"])
        told = elevenlabs_error(error)["detail"]
        message = {"message": told["message"], "error": told["status"], "code": POLICY_VIOLATION}
        await self._deliver(message)
        await self._close(POLICY_VIOLATION, told["status"])

    async def _close(self, code: int = 1000, reason: str = "") -> None:
        with suppress(RuntimeError):  # the client has closed it
            await self._socket.close(code, reason)
