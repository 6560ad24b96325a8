"""What ElevenLabs' WebSockets for texts that are still being written have in common."""

import asyncio
import base64
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import orjson
from anyio import to_thread
from fastapi import Query, WebSocket, WebSocketDisconnect
from pydantic import ValidationError

from ttsai_server.api.bodies import Body
from ttsai_server.api.deps import Services
from ttsai_server.api.elevenlabs.formats import DEFAULT, AskedFormat
from ttsai_server.api.elevenlabs.live_times import LiveTimes
from ttsai_server.api.elevenlabs.schemas import ANY_MODEL, SpeechBody, VoiceSettings
from ttsai_server.api.elevenlabs.speech import speech_order
from ttsai_server.api.errors import elevenlabs_error, render, unexpected_error
from ttsai_server.errors import ApiError, BadRequest, InternalError
from ttsai_server.services.live_speech import LiveSpeech, start_live_speech

POLICY_VIOLATION = 1008
"""Code of closing after an error, RFC 6455 §7.4.1; ElevenLabs has it for all of them."""

M = TypeVar("M", bound=Body)


@dataclass(frozen=True)
class SocketRequest:
    """What the address of a WebSocket has in it."""

    socket: WebSocket
    voice_id: str
    model_id: str = ANY_MODEL
    language_code: str | None = None
    output_format: AskedFormat = DEFAULT
    inactivity_timeout: Annotated[int, Query(ge=1, le=180)] = 20
    """How long the client may send nothing before its text has ended, seconds."""
    sync_alignment: bool = False
    """Whether to report when each character is said."""


class LiveSession:
    """An open socket: speech is started for it, sent over it, and it ends well or with an error."""

    def __init__(self, asked: SocketRequest) -> None:
        self.asked = asked
        self._socket = asked.socket

    async def serve(self, talk: Callable[["LiveSession"], Awaitable[None]]) -> None:
        """Accept the socket and let `talk` use it; what is wrong with its address is the answer to the handshake.

        talk: returns when all has been said; raises ApiError, which is sent to the client, or WebSocketDisconnect.
        """
        try:
            await self.start(VoiceSettings())
        except ApiError as error:
            await self._socket.send_denial_response(render(error))
            return
        await self._socket.accept()
        with suppress(WebSocketDisconnect):  # the client has gone
            try:
                await talk(self)
            except ApiError as error:
                await self._refuse(error)
            else:
                await self._close()

    async def start(self, settings: VoiceSettings) -> LiveSpeech:
        """Speech of a new text. settings: those of its first message. Raises as `start_live_speech`."""
        asked, services = self.asked, self._services
        body = SpeechBody(text="", model_id=asked.model_id, language_code=asked.language_code, voice_settings=settings)
        order = speech_order(
            services.settings, asked.voice_id, body, asked.output_format, timestamps=asked.sync_alignment
        )
        caller = self._socket.scope["state"]["caller"]
        return await to_thread.run_sync(start_live_speech, services.flow.context, caller, order)

    async def speak(self, speech: LiveSpeech, context: str | None = None) -> None:
        """Send the speech as it is made, then that it is over. context: which of several texts it is.

        Raises what keeps it from being said, or WebSocketDisconnect if the client has gone.
        """
        async with aclosing(_aligned(speech) if self.asked.sync_alignment else _chunks(speech)) as chunks:
            async for sound, times in chunks:
                audio = base64.b64encode(sound).decode()
                await self._send(_message(audio, times, context))
        if speech.refusal:
            raise speech.refusal
        await self.send_end(context)

    async def send_end(self, context: str | None) -> None:
        """Send that the speech of a text is over. Raises WebSocketDisconnect if the client has gone."""
        await self._send(_message(None, None, context))

    async def message(self, kind: type[M]) -> M:
        """The next message. Raises WebSocketDisconnect if the client goes, BadRequest for one that can't be read."""
        try:
            return kind.model_validate_json(await self._socket.receive_text())
        except (KeyError, ValidationError):
            raise BadRequest('Each message must be JSON with the string "text".', param="text") from None

    async def gone(self) -> None:
        """Wait until the client goes. Raises WebSocketDisconnect."""
        while (await self._socket.receive())["type"] != "websocket.disconnect":
            pass
        raise WebSocketDisconnect

    async def _send(self, message: Mapping[str, object]) -> None:
        """Raises WebSocketDisconnect if the client has gone."""
        try:
            await self._socket.send_text(orjson.dumps(message).decode())
        except RuntimeError:
            raise WebSocketDisconnect from None

    @property
    def silence(self) -> BadRequest:
        """The error for a client that sends nothing for too long."""
        return BadRequest(f"No text has come for {self.asked.inactivity_timeout} seconds.")

    @property
    def _services(self) -> Services:
        return self._socket.app.state.services

    async def _refuse(self, error: ApiError) -> None:
        if isinstance(error, InternalError):
            error = unexpected_error(self._socket.scope["state"]["request_id"])
        shown = elevenlabs_error(error)["detail"]
        await self._send({"message": shown["message"], "error": shown["status"], "code": POLICY_VIOLATION})
        await self._close(POLICY_VIOLATION, shown["status"])

    async def _close(self, code: int = 1000, reason: str = "") -> None:
        with suppress(RuntimeError):  # the client has closed it
            await self._socket.close(code, reason)


async def until_first(*work: Coroutine[Any, Any, None]) -> None:
    """Do all of it at the same time until one ends. Raises what that one raises."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await stop(tasks)


async def stop(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel them, and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _message(audio: str | None, times: Mapping[str, object] | None, context: str | None) -> dict[str, object]:
    last = audio is None
    message: dict[str, object] = {
        "audio": audio,
        "isFinal": last,
        "alignment": times,
        "normalizedAlignment": times,
    }
    # where there are several texts, some of ElevenLabs' clients read the one name, some the other
    return message if context is None else {**message, "is_final": last, "contextId": context}


async def _chunks(speech: LiveSpeech) -> AsyncGenerator[tuple[bytes, None]]:
    """The sound as it is made."""
    async with aclosing(speech.chunks()) as chunks:
        async for chunk in chunks:
            if chunk and speech.text.spoken:
                yield chunk, None


async def _aligned(speech: LiveSpeech) -> AsyncGenerator[tuple[bytes, Mapping[str, object]]]:
    """The sound, a piece of the text at a time, and when its characters are said."""
    times, sound = LiveTimes(speech), b""
    async with aclosing(speech.chunks()) as chunks:
        async for chunk in chunks:
            sound += chunk
            if piece := times.next():
                yield sound, piece
                sound = b""
    if speech.text.spoken:
        yield sound, times.rest()
