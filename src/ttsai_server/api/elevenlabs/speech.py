"""POST /elevenlabs/v1/text-to-speech/{voice_id}, whole or streamed, and with the times of its characters."""

import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from ttsai_server.api.audio_response import finished_file, sound_headers, speech_headers, whole_speech
from ttsai_server.api.deps import AuthedServices, CurrentCaller
from ttsai_server.api.elevenlabs.alignment import Alignment
from ttsai_server.api.elevenlabs.formats import DEFAULT, AskedFormat, OutputFormat, sound_of
from ttsai_server.api.elevenlabs.schemas import BILLABLE, SpeechBody, TimedSpeech
from ttsai_server.api.streaming import ChunkStream, after_first_chunk
from ttsai_server.api.timestamps import audio_json
from ttsai_server.services.choice import AUTO
from ttsai_server.services.speech import SpeechOrder
from ttsai_server.services.speech_run import SpeechRun
from ttsai_server.settings import Settings

router = APIRouter(prefix="/elevenlabs/v1/text-to-speech/{voice_id}", tags=["ElevenLabs"])

SOUND = {
    "audio/mpeg": {},
    "audio/wav": {},
    "audio/ogg": {},
    "audio/pcm": {},
    "audio/basic": {},
    "audio/x-alaw-basic": {},
}
LINES = "application/x-ndjson"


@router.post("", response_model=None, responses={200: {"content": SOUND}, **BILLABLE})
async def convert(
    voice_id: str,
    body: SpeechBody,
    request: Request,
    services: AuthedServices,
    caller: CurrentCaller,
    output_format: AskedFormat = DEFAULT,
) -> Response:
    """Speak a text."""
    order = speech_order(services.settings, voice_id, body, output_format)
    return await whole_speech(await services.flow.start(caller, order), request.receive)


@router.post("/stream", response_model=None, responses={200: {"content": SOUND}, **BILLABLE})
async def stream(
    voice_id: str,
    body: SpeechBody,
    request: Request,
    services: AuthedServices,
    caller: CurrentCaller,
    output_format: AskedFormat = DEFAULT,
) -> Response:
    """Speak a text; the sound is sent while it is made."""
    run = await services.flow.start(caller, speech_order(services.settings, voice_id, body, output_format))
    chunks = await after_first_chunk(run.chunks(), request.receive)
    return ChunkStream(chunks, run.plan.content_type, sound_headers(run))


@router.post("/with-timestamps", response_model=TimedSpeech, responses=BILLABLE)
async def convert_with_timestamps(
    voice_id: str,
    body: SpeechBody,
    request: Request,
    services: AuthedServices,
    caller: CurrentCaller,
    output_format: AskedFormat = DEFAULT,
) -> Response:
    """Speak a text, and tell when each of its characters is said."""
    order = speech_order(services.settings, voice_id, body, output_format, timestamps=True)
    run = await services.flow.start(caller, order)
    file = await finished_file(run, request.receive)
    assert run.times
    aligned = Alignment(body.text).rest(run.times.words, run.seconds)
    rest = orjson.dumps({"alignment": aligned, "normalized_alignment": aligned})
    return ChunkStream(audio_json("audio_base64", file, rest), "application/json", speech_headers(run))


@router.post("/stream/with-timestamps", response_model=None, responses={200: {"content": {LINES: {}}}, **BILLABLE})
async def stream_with_timestamps(
    voice_id: str,
    body: SpeechBody,
    request: Request,
    services: AuthedServices,
    caller: CurrentCaller,
    output_format: AskedFormat = DEFAULT,
) -> Response:
    """The same while the sound is made: one JSON object a line, each with the characters that it completes."""
    order = speech_order(services.settings, voice_id, body, output_format, timestamps=True)
    run = await services.flow.start(caller, order)
    chunks = await after_first_chunk(run.chunks(), request.receive)
    return ChunkStream(_lines(chunks, run, body.text), LINES, speech_headers(run))


def speech_order(
    settings: Settings, voice: str, body: SpeechBody, output_format: OutputFormat, *, timestamps: bool = False
) -> SpeechOrder:
    """The order that a request describes: ElevenLabs' voices and models are those that the settings name for them."""
    names = settings.elevenlabs
    return SpeechOrder(
        model=AUTO if body.model_id in names.models else body.model_id,
        text=body.text,
        voice=names.voices.get(voice, voice),
        speed=body.voice_settings.speed,
        language=body.language_code,
        options={**(body.voice_settings.model_extra or {}), **(body.model_extra or {})},
        timestamps=timestamps,
        **sound_of(output_format),
    )


async def _lines(chunks: AsyncGenerator[bytes], run: SpeechRun, text: str) -> AsyncGenerator[bytes]:
    assert run.times
    alignment, sent = Alignment(text), 0
    async with aclosing(chunks):
        async for chunk in chunks:
            words = run.times.words[sent:-1]  # the last one may still grow
            sent += len(words)
            yield _line(chunk, alignment.words(words))
    yield _line(b"", alignment.rest(run.times.words[sent:], run.seconds))


def _line(sound: bytes, aligned: dict[str, list[object]]) -> bytes:
    audio = base64.b64encode(sound).decode()
    return orjson.dumps({"audio_base64": audio, "alignment": aligned, "normalized_alignment": aligned}) + b"\n"
