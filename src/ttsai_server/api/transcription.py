"""POST /v1/stt/ and OpenAI's POST /v1/audio/transcriptions and /v1/audio/translations."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from pydantic import BeforeValidator, TypeAdapter, ValidationError
from starlette.responses import Response

from ttsai_server.api import transcripts
from ttsai_server.api.audio_response import file_headers
from ttsai_server.api.deps import AuthedServices, BaseUrl, CurrentCaller, Services
from ttsai_server.api.disconnect import cancel_on_disconnect
from ttsai_server.api.job_responses import accepted_response, job_preference
from ttsai_server.api.negotiation import asks_for_job
from ttsai_server.api.schemas import (
    BILLABLE,
    JobBody,
    OpenAIDiarizedTranscript,
    OpenAITranscript,
    OpenAIVerboseTranscript,
    TranscriptBody,
)
from ttsai_server.api.streaming import EventStream, after_first_chunk, credit_headers
from ttsai_server.api.transcripts import TranscriptEvents
from ttsai_server.api.uploads import UploadRoute, content
from ttsai_server.domain import Caller
from ttsai_server.errors import BadRequest
from ttsai_server.services.jobs import JobOptions, Upload
from ttsai_server.services.result_json import published_transcript
from ttsai_server.services.transcription import TranscriptionOrder
from ttsai_server.services.transcription_run import TranscriptionRun

router = APIRouter(tags=["transcription"], route_class=UploadRoute)

TEXTS = {"text/plain": {}, "application/x-subrip": {}, "text/vtt": {}}
OpenAIAnswer = OpenAITranscript | OpenAIVerboseTranscript | OpenAIDiarizedTranscript
Count = Annotated[int | None, Form(ge=1, le=50)]
Temperature = Annotated[float, Form(ge=0, le=1, allow_inf_nan=False)]
SUBTITLES = ("srt", "vtt")
Granularity = Literal["word", "segment"]
_BOOLEAN = TypeAdapter(bool)


def _switch(value: object) -> object:
    """A form's spelling of a boolean → bool; any other value unchanged, for a field that accepts more than booleans."""
    try:
        return _BOOLEAN.validate_python(value)
    except ValidationError:
        return value


@dataclass(frozen=True)
class SttForm:
    file: UploadFile
    model: Annotated[str, Form()] = "whisper"
    language: Annotated[str, Form()] = "auto"
    timestamps: Annotated[bool, Form()] = False
    diarize: Annotated[Literal[True, False, "channel"], BeforeValidator(_switch), Form()] = False
    num_speakers: Count = None
    min_speakers: Count = None
    max_speakers: Count = None
    prompt: Annotated[str, Form()] = ""
    temperature: Temperature = 0.0
    response_format: Annotated[Literal["json", "text", "srt", "vtt", "verbose_json"], Form()] = "json"
    asynchronous: Annotated[bool, Form(alias="async")] = False
    webhook_url: Annotated[str | None, Form()] = None

    def order(self) -> TranscriptionOrder:
        return TranscriptionOrder(
            model=self.model,
            language=self.language,
            words=self.timestamps,
            subtitles=self.response_format in SUBTITLES,
            diarize=self.diarize,
            speakers=self.num_speakers,
            min_speakers=self.min_speakers,
            max_speakers=self.max_speakers,
            prompt=self.prompt,
            temperature=self.temperature,
        )


@dataclass(frozen=True)
class OpenAIForm:
    """The fields that transcriptions and translations share."""

    file: UploadFile
    model: Annotated[str, Form()]
    prompt: Annotated[str, Form()] = ""
    temperature: Temperature = 0.0


@dataclass(frozen=True)
class TranscriptionForm(OpenAIForm):
    language: Annotated[str, Form()] = "auto"
    response_format: Annotated[Literal["json", "text", "srt", "vtt", "verbose_json", "diarized_json"], Form()] = "json"
    stream: Annotated[bool, Form()] = False
    # OpenAI's own clients send the first name, most others the second
    listed: Annotated[list[Granularity] | None, Form(alias="timestamp_granularities[]")] = None
    timestamp_granularities: Annotated[list[Granularity] | None, Form()] = None

    @property
    def granularities(self) -> list[Granularity]:
        return self.listed or self.timestamp_granularities or []

    def order(self) -> TranscriptionOrder:
        return TranscriptionOrder(
            model=self.model,
            language=self.language,
            words="word" in self.granularities,
            subtitles=self.response_format in SUBTITLES,
            diarize=self.response_format == "diarized_json",
            prompt=self.prompt,
            temperature=self.temperature,
        )


@dataclass(frozen=True)
class TranslationForm(OpenAIForm):
    response_format: Annotated[Literal["json", "text", "srt", "vtt", "verbose_json"], Form()] = "json"

    def order(self) -> TranscriptionOrder:
        return TranscriptionOrder(
            model=self.model,
            subtitles=self.response_format in SUBTITLES,
            translate=True,
            prompt=self.prompt,
            temperature=self.temperature,
        )


@router.post(
    "/v1/stt",
    response_model=TranscriptBody | JobBody,
    responses={200: {"content": TEXTS}, **BILLABLE},
)
async def transcribe(
    form: Annotated[SttForm, Depends()],
    request: Request,
    services: AuthedServices,
    caller: CurrentCaller,
    base_url: BaseUrl,
) -> Response:
    """Transcribe a recording. The answer is the transcript; or a job, if the client asks for one."""
    if asks_for_job(job_preference(request, caller, form.asynchronous, form.webhook_url)):
        return await _job(form, request, services, caller, base_url)
    run = await _start(services, caller, form.order(), form.file)
    await cancel_on_disconnect(request.receive, run.finish())
    if form.response_format != "json":
        granularities: list[Granularity] = ["word", "segment"] if form.timestamps else []
        return await _rendered(run, form.response_format, granularities)
    body = await asyncio.to_thread(published_transcript, run.transcript, words=form.timestamps)
    return Response(body, headers=credit_headers(run.hold), media_type="application/json")


@router.post("/v1/transcribe", response_model=JobBody, responses=BILLABLE)
async def start_transcription(
    form: Annotated[SttForm, Depends()],
    request: Request,
    services: AuthedServices,
    caller: CurrentCaller,
    base_url: BaseUrl,
) -> Response:
    """Transcribe a recording in a job."""
    return await _job(form, request, services, caller, base_url)


async def _job(form: SttForm, request: Request, services: Services, caller: Caller, base_url: str) -> Response:
    if form.response_format != "json":
        raise BadRequest("A job's result is JSON; /v1/speech/subtitles/ has its subtitles.", param="response_format")
    file = content(form.file, services.settings.transcription.max_file_bytes)
    order, options = replace(form.order(), subtitles=True), JobOptions(base_url, form.webhook_url)
    upload = Upload(file, form.file.filename or "")
    return accepted_response(await services.jobs.submit(caller, order, options, upload), request)


@router.post(
    "/v1/audio/transcriptions",
    response_model=OpenAIAnswer,
    responses={200: {"content": {**TEXTS, "text/event-stream": {}}}, **BILLABLE},
)
async def create_transcription(
    form: Annotated[TranscriptionForm, Depends()], request: Request, services: AuthedServices, caller: CurrentCaller
) -> Response:
    """OpenAI's transcription endpoint; with `stream`, server-sent events during the transcription."""
    run = await _start(services, caller, form.order(), form.file)
    if form.stream:
        events = _events(run, segments=form.response_format == "diarized_json")
        chunks = await after_first_chunk(events, request.receive)
        return EventStream(chunks, credit_headers(run.hold), request.scope["state"]["request_id"])
    await cancel_on_disconnect(request.receive, run.finish())
    return await _rendered(run, form.response_format, form.granularities)


@router.post(
    "/v1/audio/translations",
    response_model=OpenAITranscript | OpenAIVerboseTranscript,
    responses={200: {"content": TEXTS}, **BILLABLE},
)
async def create_translation(
    form: Annotated[TranslationForm, Depends()], request: Request, services: AuthedServices, caller: CurrentCaller
) -> Response:
    """OpenAI's translation endpoint: a transcript in English."""
    run = await _start(services, caller, form.order(), form.file)
    await cancel_on_disconnect(request.receive, run.finish())
    return await _rendered(run, form.response_format)


async def _start(services: Services, caller: Caller, order: TranscriptionOrder, upload: UploadFile) -> TranscriptionRun:
    return await services.flow.start(caller, order, content(upload, services.settings.transcription.max_file_bytes))


async def _rendered(
    run: TranscriptionRun, form: transcripts.TranscriptFormat, granularities: Sequence[Granularity] = ()
) -> Response:
    # in a thread: rendering hours of speech takes most of a second
    answer = await asyncio.to_thread(transcripts.openai, run.transcript, form, granularities)
    named = file_headers(f"transcript.{answer.extension}") if answer.extension else {}
    headers = {**credit_headers(run.hold), **named, "Content-Type": answer.content_type}
    return Response(answer.body, headers=headers)


async def _events(run: TranscriptionRun, *, segments: bool) -> AsyncGenerator[bytes]:
    events = TranscriptEvents(translated=run.plan.request.translate)
    async with aclosing(run.steps()) as partials:
        async for partial in partials:
            yield events.deltas(partial)
    if segments:
        yield events.segments(run.transcript)
    yield events.done(run.transcript)
