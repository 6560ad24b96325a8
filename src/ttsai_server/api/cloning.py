"""POST /v1/tts/clone/ and /v1/voice-clone/: speech with the voice of a recording."""

import time
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from pydantic import BeforeValidator, Field, WithJsonSchema
from starlette.responses import Response

from ttsai_server.api.audio_response import WholeFile, file_headers, finished_file, warning_headers
from ttsai_server.api.bodies import STORABLE, Speed
from ttsai_server.api.deps import AuthedServices, BaseUrl, CurrentCaller
from ttsai_server.api.job_responses import accepted_response, job_preference
from ttsai_server.api.negotiation import wants_job
from ttsai_server.api.schemas import BILLABLE, JobBody
from ttsai_server.api.streaming import credit_headers
from ttsai_server.api.uploads import UploadRoute, content
from ttsai_server.domain import Caller, Reference
from ttsai_server.errors import BadRequest
from ttsai_server.services.cloning import CloneOrder
from ttsai_server.services.jobs import JobOptions, Upload
from ttsai_server.services.references import FIELD

router = APIRouter(tags=["cloning"], route_class=UploadRoute)

SOUND = {"audio/mpeg": {}, "audio/wav": {}, "audio/flac": {}}
SPELLED = {"true": 1.0, "false": 0.0}


def _boost(given: object) -> object:
    return SPELLED.get(given.lower(), given) if isinstance(given, str) else given


Boost = Annotated[
    float,
    BeforeValidator(_boost),
    Field(ge=0, le=1, allow_inf_nan=False),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "boolean"}]}),
]
"""How far the voice is brought out: some of the vendor's SDKs send a number, others a boolean."""
Gender = Literal["male", "female", "neutral"]


@dataclass(frozen=True)
class CloneForm:
    """The fields that both paths share."""

    reference_audio: UploadFile
    model: Annotated[str, Form()] = ""
    format: Annotated[Literal["mp3", "wav", "flac"], Form()] = "mp3"
    language: Annotated[str, Form()] = ""
    speed: Annotated[Speed, Form()] = 1.0
    asynchronous: Annotated[bool, Form(alias="async")] = False
    webhook_url: Annotated[str | None, Form()] = None


@dataclass(frozen=True, kw_only=True)
class CloneSpeechForm(CloneForm):
    text: Annotated[str, Form()]


@dataclass(frozen=True)
class ConsentForm:
    """What is kept of a voice."""

    name: Annotated[str, Form(max_length=100)] = ""
    gender: Annotated[Gender, Form()] = "neutral"
    consent: Annotated[str, Form(max_length=2000, pattern=STORABLE)] = ""
    keep_reference: Annotated[bool, Form()] = False


@dataclass(frozen=True, kw_only=True)
class VoiceCloneForm(ConsentForm, CloneForm):
    text: Annotated[str, Form()] = ""
    boost: Annotated[Boost, Form()] = 0.0


@router.post(
    "/v1/tts/clone",
    response_model=JobBody,
    responses={200: {"description": "The speech; or a job, if the client wants one.", "content": SOUND}, **BILLABLE},
)
async def speak_with_voice(
    form: Annotated[CloneSpeechForm, Depends()],
    request: Request,
    services: AuthedServices,
    caller: CurrentCaller,
    base_url: BaseUrl,
) -> Response:
    """Speak with the voice of a recording."""
    file = content(form.reference_audio, services.settings.cloning.max_reference_bytes, FIELD)
    if not form.text.strip():
        raise BadRequest("'text' has nothing in it that can be spoken.", param="text")
    order = CloneOrder(**await _common(form, request), text=form.text)
    if wants_job(job_preference(request, caller, form.asynchronous, form.webhook_url), services.settings.compat):
        options = JobOptions(base_url, form.webhook_url)
        upload = Upload(file, form.reference_audio.filename or "")
        return accepted_response(await services.jobs.submit(caller, order, options, upload), request)
    run = await services.flow.start(caller, order, file)
    sound = await finished_file(run, request.receive)
    headers = {
        **credit_headers(run.hold),
        **file_headers(sound.name),
        **voice_headers(run.plan.model, run.reference),
        **warning_headers(run.warnings),
        "X-Audio-Seconds": f"{run.seconds:.3f}",
    }
    return WholeFile(sound.file, sound.content_type, headers)


@router.post("/v1/voice-clone", response_model=JobBody, responses=BILLABLE)
async def clone_voice(
    form: Annotated[VoiceCloneForm, Depends()],
    request: Request,
    services: AuthedServices,
    caller: CurrentCaller,
    base_url: BaseUrl,
) -> Response:
    """A job that speaks with the voice of a recording; with `name` the voice is saved, with no `text` only saved."""
    file = content(form.reference_audio, services.settings.cloning.max_reference_bytes, FIELD)
    fields = {**await _common(form, request), **kept(form, caller)}
    if form.boost:
        fields["options"] = {**fields["options"], "boost": form.boost}
    order = CloneOrder(**fields, text=form.text)
    options = JobOptions(base_url, form.webhook_url)
    upload = Upload(file, form.reference_audio.filename or "")
    accepted = await services.jobs.submit(caller, order, options, upload)
    return accepted_response(accepted, request, order.voice_id if form.name else None)


def kept(form: ConsentForm, caller: Caller) -> dict[str, Any]:
    """The fields of a CloneOrder that say how the voice is saved."""
    return {
        "name": form.name,
        "gender": form.gender,
        "consent": form.consent,
        "consent_key": caller.key,
        "consented_at": time.time(),
        "keep_reference": form.keep_reference,
    }


def voice_headers(model: str, reference: Reference | None) -> dict[str, str]:
    """Which model was used, and how near its voice is to the recording's, if that was measured."""
    near = (
        {}
        if reference is None or reference.similarity is None
        else {"X-Voice-Similarity": f"{reference.similarity:.3f}"}
    )
    return {"X-Model": model, **near}


async def _common(form: CloneForm, request: Request) -> dict[str, Any]:
    """The order's fields that both paths share, and in `options` the fields that are not the form's."""
    own = {"async", *(each.name for each in fields(form))}
    extra = {name: value for name, value in (await request.form()).items() if name not in own}
    return {
        "model": form.model or None,
        "format": form.format,
        "language": form.language or None,
        "speed": form.speed,
        "options": {name: value for name, value in extra.items() if isinstance(value, str)},
    }
