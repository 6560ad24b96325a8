"""POST /elevenlabs/v1/text-to-speech/{voice_id}, whole or streamed, and with the times of its characters."""

import base64
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ttsai_server.api.audio_response import finished_file, sound_headers, speech_headers, whole_speech
from ttsai_server.api.deps import AuthedServices, CurrentCaller
from ttsai_server.api.elevenlabs.alignment import Alignment, Moment, columns
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


@dataclass(frozen=True)
class SpeechCall:
    """What a request for speech has in it."""

    voice_id: str
    body: SpeechBody
    request: Request
    services: AuthedServices
    caller: CurrentCaller
    output_format: AskedFormat = DEFAULT

    async def start(self, *, timestamps: bool = False) -> SpeechRun:
        """timestamps: whether the run is to report when each word is said."""
        order = speech_order(
            self.services.settings, self.voice_id, self.body, self.output_format, timestamps=timestamps
        )
        return await self.services.flow.start(self.caller, order)


AskedSpeech = Annotated[SpeechCall, Depends()]


@router.post("", response_model=None, responses={200: {"content": SOUND}, **BILLABLE})
async def convert(asked: AskedSpeech) -> Response:
    """Speak a text."""
    return await whole_speech(await asked.start(), asked.request.receive)


@router.post("/stream", response_model=None, responses={200: {"content": SOUND}, **BILLABLE})
async def stream(asked: AskedSpeech) -> Response:
    """Speak a text; the sound is sent while it is made."""
    run = await asked.start()
    chunks = await after_first_chunk(run.chunks(), asked.request.receive)
    return ChunkStream(chunks, run.plan.content_type, sound_headers(run))


@router.post("/with-timestamps", response_model=TimedSpeech, responses=BILLABLE)
async def convert_with_timestamps(asked: AskedSpeech) -> Response:
    """Speak a text, and tell when each of its characters is said."""
    run = await asked.start(timestamps=True)
    file = await finished_file(run, asked.request.receive)
    assert run.times
    aligned = columns(Alignment(asked.body.text).rest(run.times.words, run.seconds))
    rest = orjson.dumps({"alignment": aligned, "normalized_alignment": aligned})
    return ChunkStream(audio_json("audio_base64", file, rest), "application/json", speech_headers(run))


@router.post("/stream/with-timestamps", response_model=None, responses={200: {"content": {LINES: {}}}, **BILLABLE})
async def stream_with_timestamps(asked: AskedSpeech) -> Response:
    """The same while the sound is made: one JSON object a line, each with the characters that it completes."""
    run = await asked.start(timestamps=True)
    chunks = await after_first_chunk(run.chunks(), asked.request.receive)
    return ChunkStream(_lines(chunks, run, asked.body.text), LINES, speech_headers(run))


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


def _line(sound: bytes, moments: Iterable[Moment]) -> bytes:
    audio, aligned = base64.b64encode(sound).decode(), columns(moments)
    return orjson.dumps({"audio_base64": audio, "alignment": aligned, "normalized_alignment": aligned}) + b"\n"
