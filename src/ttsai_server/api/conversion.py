"""POST /v1/voice-convert/ and /v1/speech-to-speech/: a recording said by another voice."""

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Literal, cast

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from starlette.responses import Response

from ttsai_server.api.audio_response import WholeFile, file_headers, finished_file, warning_headers
from ttsai_server.api.bodies import Speed
from ttsai_server.api.cloning import voice_headers
from ttsai_server.api.deps import AuthedServices, BaseUrl, CurrentCaller
from ttsai_server.api.job_responses import accepted_response, job_preference
from ttsai_server.api.negotiation import asks_for_job
from ttsai_server.api.schemas import BILLABLE, JobBody
from ttsai_server.api.streaming import credit_headers
from ttsai_server.api.uploads import UploadRoute, content
from ttsai_server.services.conversion import ConversionOrder
from ttsai_server.services.conversion_run import ConversionRun
from ttsai_server.services.jobs import JobOptions, Upload
from ttsai_server.services.paired_upload import join
from ttsai_server.services.references import FIELD
from ttsai_server.services.respeaking_run import RespeakingRun
from ttsai_server.services.speech_to_speech import SpeechToSpeechOrder

router = APIRouter(tags=["conversion"], route_class=UploadRoute)

SOUND = {200: {"content": {"audio/mpeg": {}, "audio/wav": {}, "audio/flac": {}}}}


@dataclass(frozen=True)
class RecordingForm:
    """The fields that both paths share."""

    file: UploadFile
    model: Annotated[str, Form()] = ""
    format: Annotated[Literal["wav", "mp3", "flac"], Form()] = "wav"
    asynchronous: Annotated[bool, Form(alias="async")] = False
    webhook_url: Annotated[str | None, Form()] = None


@dataclass(frozen=True, kw_only=True)
class ConversionForm(RecordingForm):
    target_voice: Annotated[str, Form()] = ""
    reference_audio: UploadFile | None = None


@dataclass(frozen=True, kw_only=True)
class SpeechToSpeechForm(RecordingForm):
    voice: Annotated[str, Form()]
    emotion: Annotated[Literal["neutral", "happy", "sad", "angry", "excited"], Form()] = "neutral"
    speed: Annotated[Speed, Form()] = 1.0


@dataclass(frozen=True)
class Call:
    """The dependencies that both routes have beside their forms."""

    request: Request
    services: AuthedServices
    caller: CurrentCaller
    base_url: BaseUrl

    async def answer(
        self, form: RecordingForm, order: ConversionOrder | SpeechToSpeechOrder, file: BinaryIO
    ) -> Response:
        """The file that the order produces; or a job, if the client asks for one."""
        if asks_for_job(job_preference(self.request, self.caller, form.asynchronous, form.webhook_url)):
            options, upload = JobOptions(self.base_url, form.webhook_url), Upload(file, form.file.filename or "")
            accepted = await self.services.jobs.submit(self.caller, order, options, upload)
            return accepted_response(accepted, self.request)
        started = await self.services.flow.start(self.caller, cast(Any, order), file)
        run = cast(ConversionRun | RespeakingRun, started)
        sound = await finished_file(run, self.request.receive)
        headers = {
            **credit_headers(run.hold),
            **file_headers(sound.name),
            **voice_headers(run.plan.model, run.reference),
            **warning_headers(run.warnings),
        }
        return WholeFile(sound.file, sound.content_type, headers)

    def file(self, form: RecordingForm) -> BinaryIO:
        return content(form.file, self.services.settings.conversion.max_file_bytes)


Calling = Annotated[Call, Depends()]


@router.post("/v1/voice-convert", response_model=JobBody, responses={**BILLABLE, **SOUND})
async def convert_voice(form: Annotated[ConversionForm, Depends()], call: Calling) -> Response:
    """Let another voice say what a recording says: a model's, a saved one, or that of `reference_audio`."""
    file, reference = call.file(form), form.reference_audio
    with ExitStack() as closing:
        size = 0
        if reference:
            wanted = content(reference, call.services.settings.cloning.max_reference_bytes, FIELD)
            file, size = await asyncio.to_thread(join, file, wanted)
            closing.enter_context(file)
        order = ConversionOrder(
            target_voice=form.target_voice, reference_bytes=size, model=form.model or None, format=form.format
        )
        return await call.answer(form, order, file)


@router.post("/v1/speech-to-speech", response_model=JobBody, responses={**BILLABLE, **SOUND})
async def speak_anew(form: Annotated[SpeechToSpeechForm, Depends()], call: Calling) -> Response:
    """Let another voice say what a recording says, with another emotion and at another speed."""
    order = SpeechToSpeechOrder(
        voice=form.voice, model=form.model or None, emotion=form.emotion, speed=form.speed, format=form.format
    )
    return await call.answer(form, order, call.file(form))
