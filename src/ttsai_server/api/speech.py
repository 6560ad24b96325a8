"""POST /v1/tts/ and OpenAI's POST /v1/audio/speech."""

import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import APIRouter, Request
from starlette.responses import Response

from ttsai_server.api.audio_response import sound_headers, speech_headers, whole_speech
from ttsai_server.api.bodies import OpenAISpeechBody, SpeechBody
from ttsai_server.api.deps import AuthedServices, BaseUrl, CurrentCaller, Services
from ttsai_server.api.job_responses import accepted_response, job_preference
from ttsai_server.api.negotiation import wants_job
from ttsai_server.api.schemas import BILLABLE, JobBody, TimedSpeechBody
from ttsai_server.api.streaming import ChunkStream, EventStream, after_first_chunk, event
from ttsai_server.api.timestamps import timed_speech, timestamps
from ttsai_server.domain import SpokenWord
from ttsai_server.services.jobs import JobOptions
from ttsai_server.services.speech import SpeechOrder
from ttsai_server.services.speech_run import SpeechRun

router = APIRouter(tags=["speech"])

SOUND = {"audio/mpeg": {}, "audio/wav": {}, "audio/flac": {}, "audio/ogg": {}}
EVENTS = {"text/event-stream": {}}
OPENAI_SOUND = {**SOUND, **EVENTS, "audio/aac": {}, "audio/pcm": {}}


@router.post(
    "/v1/tts",
    response_model=JobBody | TimedSpeechBody,
    responses={
        200: {
            "description": "The speech; with the times of its words, JSON or events; or a job, if asked for.",
            "content": {**SOUND, **EVENTS},
        },
        **BILLABLE,
    },
)
async def synthesize(
    body: SpeechBody, request: Request, services: AuthedServices, caller: CurrentCaller, base_url: BaseUrl
) -> Response:
    """Speak a text. The answer is the audio, with `stream` sent while it is generated; or a job."""
    if wants_job(job_preference(request, caller, body.asynchronous, body.webhook_url), services.settings.compat):
        options = JobOptions(base_url, body.webhook_url)
        return accepted_response(await services.jobs.submit(caller, published_order(body), options), request)
    run = await services.flow.start(caller, published_order(body))
    if not body.stream:
        return await (timed_speech if body.timestamps else whole_speech)(run, request.receive)
    return await _streamed(run, request, events=body.timestamps)


@router.post(
    "/v1/audio/speech",
    response_model=TimedSpeechBody,
    responses={
        200: {
            "description": "The speech, sent while it is generated; or, with the times of its words, JSON or events.",
            "content": OPENAI_SOUND,
        },
        **BILLABLE,
    },
)
async def create_speech(
    body: OpenAISpeechBody, request: Request, services: AuthedServices, caller: CurrentCaller
) -> Response:
    """OpenAI's speech endpoint: always streamed; with `stream_format: sse` as server-sent events."""
    run = await services.flow.start(caller, _openai_order(body, services))
    if body.timestamps and body.stream_format == "audio":
        return await timed_speech(run, request.receive)
    return await _streamed(run, request, events=body.stream_format == "sse")


async def _streamed(run: SpeechRun, request: Request, *, events: bool) -> Response:
    """The sound while it is made, or events with it."""
    chunks = await after_first_chunk(run.chunks(), request.receive)
    if not events:
        return ChunkStream(chunks, run.plan.content_type, sound_headers(run))
    return EventStream(_events(chunks, run), speech_headers(run), request.scope["state"]["request_id"])


def published_order(body: SpeechBody) -> SpeechOrder:
    """The order that a body of the published API describes."""
    return SpeechOrder(
        model=body.model,
        text=body.text,
        voice=body.voice,
        format=body.format,
        speed=body.speed,
        language=body.language,
        pronunciations=body.pronunciations or {},
        options=_options(body),
        timestamps=body.timestamps,
    )


def _openai_order(body: OpenAISpeechBody, services: Services) -> SpeechOrder:
    settings = services.settings
    return SpeechOrder(
        model=body.model,
        text=body.input,
        voice=settings.speech.openai_voices.get(body.voice, body.voice),
        format=body.response_format,
        speed=body.speed,
        options=_options(body),
        timestamps=body.timestamps,
        wordless=True,  # Home Assistant checks a key by requesting speech for "."
    )


def _options(body: SpeechBody | OpenAISpeechBody) -> dict[str, object]:
    """Fields beyond the contract's, and `instructions`; the engine uses those that it knows."""
    extra = dict(body.model_extra or {})
    return extra if body.instructions is None else {**extra, "instructions": body.instructions}


async def _events(chunks: AsyncGenerator[bytes], run: SpeechRun) -> AsyncGenerator[bytes]:
    """OpenAI's server-sent events; and, if they were asked for, the words that end in the sound before them."""
    sent = 0
    async with aclosing(chunks):
        async for chunk in chunks:
            yield event({"type": "speech.audio.delta", "audio": base64.b64encode(chunk).decode()})
            if words := run.times.words[sent:-1] if run.times else []:  # the last one may still grow
                sent += len(words)
                yield _words_event(run, words)
    if words := run.times.words[sent:] if run.times else []:
        yield _words_event(run, words)
    characters = run.plan.characters
    usage = {"input_tokens": characters, "output_tokens": 0, "total_tokens": characters}
    yield event({"type": "speech.audio.done", "usage": usage})


def _words_event(run: SpeechRun, words: list[SpokenWord]) -> bytes:
    shown = timestamps(run.plan.time_source, words).model_dump()
    return event({"type": "speech.audio.words", **shown})
