"""POST /v1/tts/ and OpenAI's POST /v1/audio/speech."""

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import APIRouter, Request
from starlette.responses import Response

from ttsai_server.api.deps import Asking, Keyed, Services
from ttsai_server.api.errors import bug
from ttsai_server.api.schemas import BILLABLE, OpenAISpeechBody, SpeechBody
from ttsai_server.api.sound import SoundStream, begun, credit_headers, whole
from ttsai_server.api.sse import event
from ttsai_server.domain import Caller
from ttsai_server.errors import ApiError, InternalError
from ttsai_server.services.speech import Order
from ttsai_server.services.utterance import Utterance

router = APIRouter(tags=["speech"])

SOUND = {"audio/mpeg": {}, "audio/wav": {}, "audio/flac": {}, "audio/ogg": {}}
OPENAI_SOUND = {**SOUND, "audio/aac": {}, "audio/pcm": {}, "text/event-stream": {}}


@router.post(
    "/v1/tts",
    response_class=Response,
    responses={200: {"description": "The speech.", "content": SOUND}, **BILLABLE},
)
async def synthesize(body: SpeechBody, request: Request, services: Keyed, caller: Asking) -> Response:
    """Say a text: the whole sound, or with `stream` as it is made."""
    utterance = await _say(services, caller, _published(body))
    if not body.stream:
        return await whole(utterance, request.receive)
    chunks = await begun(utterance, request.receive)
    return SoundStream(chunks, utterance.content_type, credit_headers(utterance))


@router.post(
    "/v1/audio/speech",
    response_class=Response,
    responses={200: {"description": "The speech, as it is made.", "content": OPENAI_SOUND}, **BILLABLE},
)
async def create_speech(body: OpenAISpeechBody, request: Request, services: Keyed, caller: Asking) -> Response:
    """OpenAI's speech endpoint: always streamed; `stream_format: sse` wraps the sound in events."""
    utterance = await _say(services, caller, _openai(body, services))
    chunks = await begun(utterance, request.receive)
    if body.stream_format == "audio":
        return SoundStream(chunks, utterance.content_type, credit_headers(utterance))
    events = _events(chunks, utterance, request.scope["state"]["request_id"])
    return SoundStream(events, "text/event-stream", {**credit_headers(utterance), "Cache-Control": "no-cache"})


async def _say(services: Services, caller: Caller, order: Order) -> Utterance:
    script = await asyncio.to_thread(services.speech.check, caller, order)
    return services.speech.say(caller, script)


def _published(body: SpeechBody) -> Order:
    return Order(
        model=body.model,
        text=body.text,
        voice=body.voice,
        format=body.format,
        speed=body.speed,
        language=body.language,
        pronunciations=body.pronunciations or {},
        options=_options(body),
    )


def _openai(body: OpenAISpeechBody, services: Services) -> Order:
    speech = services.settings.speech
    return Order(
        model=speech.default_model if body.model in speech.openai_models else body.model,
        text=body.input,
        voice=speech.openai_voices.get(body.voice, body.voice),
        format=body.response_format,
        speed=body.speed,
        options=_options(body),
    )


def _options(body: SpeechBody | OpenAISpeechBody) -> dict[str, object]:
    """Fields beyond the contract's, and `instructions`, for the engine to take or not."""
    extra = dict(body.model_extra or {})
    return extra if body.instructions is None else {**extra, "instructions": body.instructions}


async def _events(chunks: AsyncGenerator[bytes], utterance: Utterance, request_id: str) -> AsyncGenerator[bytes]:
    """OpenAI's server-sent events; a failure half-way is an event too, since the status is gone already."""
    async with aclosing(chunks):
        try:
            async for chunk in chunks:
                yield event({"type": "speech.audio.delta", "audio": base64.b64encode(chunk).decode()})
        except ApiError as error:
            told = bug(request_id) if isinstance(error, InternalError) else error
            yield event({"type": "error", "error": {"code": told.code, "message": told.message}})
            raise
    characters = utterance.script.characters
    usage = {"input_tokens": characters, "output_tokens": 0, "total_tokens": characters}
    yield event({"type": "speech.audio.done", "usage": usage})
