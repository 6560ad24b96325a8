"""The WebSocket /elevenlabs/v1/text-to-speech/{voice_id}/stream-input: speech of a text that is still being written."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends

from ttsai_server.api.elevenlabs.live_session import LiveSession, SocketRequest, until_first
from ttsai_server.api.elevenlabs.schemas import InputMessage
from ttsai_server.services.live_speech import LiveSpeech

router = APIRouter()


@router.websocket("/elevenlabs/v1/text-to-speech/{voice_id}/stream-input")
async def stream_input(asked: Annotated[SocketRequest, Depends()]) -> None:
    """The client sends its text in parts; each sentence is spoken as soon as it is complete."""
    await LiveSession(asked).serve(_take_text)


async def _take_text(session: LiveSession) -> None:
    first = await _message(session)
    speech = await session.start(first.voice_settings)
    await until_first(session.speak(speech), _receive(session, speech, first))


async def _receive(session: LiveSession, speech: LiveSpeech, message: InputMessage) -> None:
    """Take the client's text, then wait until it goes. message: the first."""
    while message.text:
        speech.add(message.text)
        if message.flush:
            speech.text.flush()
        message = await _message(session)
    speech.text.end()
    await session.gone()


async def _message(session: LiveSession) -> InputMessage:
    try:
        async with asyncio.timeout(session.asked.inactivity_timeout):
            return await session.message(InputMessage)
    except TimeoutError:
        raise session.silence from None
