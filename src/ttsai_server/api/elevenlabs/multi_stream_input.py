"""The WebSocket /elevenlabs/v1/text-to-speech/{voice_id}/multi-stream-input: as stream-input, of several texts.

An assistant needs it that is interrupted, and answers anew.
"""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends

from ttsai_server.api.elevenlabs.live_session import LiveSession, SocketRequest, stop
from ttsai_server.api.elevenlabs.schemas import ContextMessage
from ttsai_server.errors import BadRequest
from ttsai_server.services.live_speech import LiveSpeech

router = APIRouter()

MOST_CONTEXTS = 5
"""At the same time, of one connection; ElevenLabs' own limit."""


@router.websocket("/elevenlabs/v1/text-to-speech/{voice_id}/multi-stream-input")
async def multi_stream_input(asked: Annotated[SocketRequest, Depends()]) -> None:
    """Each message says to which text, a context, it belongs, and each answer of which it is."""

    async def talk(session: LiveSession) -> None:
        await Contexts(session).run()

    await LiveSession(asked).serve(talk)


class Context:
    """One text: what of it has come is spoken by a task of its own, until it is complete."""

    def __init__(self, session: LiveSession, name: str, speech: LiveSpeech) -> None:
        self.name = name
        self.speaking = asyncio.ensure_future(session.speak(speech, name))
        self.complete = False
        """Whether no more of the text is taken."""
        self._session = session
        self._speech = speech
        self._flushed = False
        """Whether nothing has come since all was to be spoken."""
        self._silence = self._watch()

    async def take(self, message: ContextMessage) -> None:
        """Raises BadRequest if the text becomes longer than the plan allows."""
        self._silence.cancel()
        self._silence = self._watch()
        if message.text and not message.close_context:
            self._speech.add(message.text)
            self._flushed = False
        if message.flush:
            self._speech.text.flush()
            self._flushed = True
        if message.close_context:
            await self._close()

    def end(self) -> None:
        """There is no more of the text: all of it is spoken."""
        self._silence.cancel()
        if not self.complete:
            self.complete = True
            self._speech.text.end()

    async def cancel(self) -> None:
        """Stop speaking."""
        self.complete = True
        self._silence.cancel()
        await stop([self.speaking])

    async def _close(self) -> None:
        """If all was flushed, all is spoken; else, as after an interruption, no more is."""
        if self._flushed or self.speaking.done():
            self.end()
        else:
            await self.cancel()
            await self._session.send_end(self.name)

    def _watch(self) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(self._session.asked.inactivity_timeout, self.end)


class Contexts:
    """All of one connection."""

    def __init__(self, session: LiveSession) -> None:
        self._session = session
        self._open: list[Context] = []
        """Those that are being spoken; of one name, only the last may be incomplete."""

    async def run(self) -> None:
        """Until the client closes the socket, and all is spoken. Raises what keeps a text from being spoken."""
        reading = asyncio.ensure_future(self._session.message(ContextMessage))
        try:
            while not (reading.done() and reading.result().close_socket):
                if reading.done():
                    await self._take(reading.result())
                    reading = asyncio.ensure_future(self._session.message(ContextMessage))
                await self._wait(reading)
            for context in self._open:
                context.end()
            await asyncio.gather(*(context.speaking for context in self._open))
        finally:
            reading.cancel()
            for context in self._open:
                await context.cancel()

    async def _wait(self, reading: asyncio.Task[ContextMessage]) -> None:
        """For a message, or until a text is over. Raises what keeps one from being spoken."""
        idle = None if self._open else self._session.asked.inactivity_timeout
        tasks = {reading, *(context.speaking for context in self._open)}
        if not (await asyncio.wait(tasks, timeout=idle, return_when=asyncio.FIRST_COMPLETED))[0]:
            raise self._session.silence
        for context in [context for context in self._open if context.speaking.done()]:
            self._open.remove(context)
            if not context.speaking.cancelled():
                context.speaking.result()

    async def _take(self, message: ContextMessage) -> None:
        known = (context for context in self._open if context.name == message.context_id and not context.complete)
        context = next(known, None)
        if context is None:
            if not message.text or message.close_context:
                return  # it keeps alive, or closes, what is over
            context = await self._begin(message)
        await context.take(message)

    async def _begin(self, message: ContextMessage) -> Context:
        if len(self._open) >= MOST_CONTEXTS:
            raise BadRequest(f"A connection may have {MOST_CONTEXTS} contexts at the same time; close one first.")
        context = Context(self._session, message.context_id, await self._session.start(message.voice_settings))
        self._open.append(context)
        return context
