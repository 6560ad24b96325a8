"""POST, GET, PATCH and DELETE of /v1/voices/: the voices that an account has made from recordings."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from starlette.responses import Response

from ttsai_server.api.audio_response import warning_headers
from ttsai_server.api.bodies import Body
from ttsai_server.api.catalog_schemas import Consent, DeletedVoice, SavedVoiceInfo
from ttsai_server.api.cloning import ConsentForm, Gender, kept, voice_headers
from ttsai_server.api.deps import AuthedServices, BaseUrl, CurrentCaller, Services
from ttsai_server.api.disconnect import cancel_on_disconnect
from ttsai_server.api.job_responses import accepted_response, job_preference, shown_time
from ttsai_server.api.negotiation import asks_for_job
from ttsai_server.api.schemas import BILLABLE, KEYED, JobBody
from ttsai_server.api.streaming import credit_headers
from ttsai_server.api.uploads import UploadRoute, content
from ttsai_server.errors import BadRequest
from ttsai_server.services.cloning import CloneOrder
from ttsai_server.services.jobs import JobOptions, Upload
from ttsai_server.services.references import FIELD
from ttsai_server.services.voices import ListedVoice
from ttsai_server.store.saved_voices import SavedVoice

router = APIRouter(tags=["voices"], route_class=UploadRoute)


@dataclass(frozen=True, kw_only=True)
class SaveForm(ConsentForm):
    reference_audio: UploadFile
    model: Annotated[str, Form()] = ""
    language: Annotated[str, Form()] = ""
    asynchronous: Annotated[bool, Form(alias="async")] = False
    webhook_url: Annotated[str | None, Form()] = None


class VoiceChanges(Body):
    name: str | None = None
    language: str | None = None
    """Code of a language that the voice's model speaks."""
    gender: Gender | None = None


@router.post("/v1/voices", response_model=SavedVoiceInfo | JobBody, responses=BILLABLE)
async def save_voice(
    form: Annotated[SaveForm, Depends()],
    request: Request,
    services: AuthedServices,
    caller: CurrentCaller,
    base_url: BaseUrl,
) -> Response:
    """Make a voice from a recording, and keep it; free. `name` and `consent` are required.

    With `keep_reference` the recording is kept too, encrypted, so that other models can make the voice of it.
    """
    file = content(form.reference_audio, services.settings.cloning.max_reference_bytes, FIELD)
    for field in ("name", "consent"):
        if not getattr(form, field).strip():
            raise BadRequest(f"'{field}' is required.", param=field)
    order = CloneOrder(**kept(form, caller), model=form.model or None, language=form.language or None)
    if asks_for_job(job_preference(request, caller, form.asynchronous, form.webhook_url)):
        upload = Upload(file, form.reference_audio.filename or "")
        options = JobOptions(base_url, form.webhook_url)
        accepted = await services.jobs.submit(caller, order, options, upload)
        return accepted_response(accepted, request, order.voice_id)
    with await services.flow.start(caller, order, file) as run:
        saved = run.finish(lambda outcome: services.saved_voices.save(outcome.beside))
        await cancel_on_disconnect(request.receive, saved)
    voice = await services.saved_voices.get(caller, order.voice_id)
    headers = {**credit_headers(run.hold), **voice_headers(run.plan.model, run.reference)}
    return await _shown(voice, services, base_url, {**headers, **warning_headers(run.warnings)})


@router.get("/v1/voices/{id}", response_model=SavedVoiceInfo, responses=KEYED)
async def get_voice(id: str, services: AuthedServices, caller: CurrentCaller, base_url: BaseUrl) -> Response:
    """A voice that the account has saved."""
    return await _shown(await services.saved_voices.get(caller, id), services, base_url)


@router.patch("/v1/voices/{id}", response_model=SavedVoiceInfo, responses=KEYED)
async def change_voice(
    id: str, body: VoiceChanges, services: AuthedServices, caller: CurrentCaller, base_url: BaseUrl
) -> Response:
    """Change the name, language or gender of a saved voice."""
    changes = {name: str(value) for name, value in body if name in VoiceChanges.model_fields and value is not None}
    return await _shown(await services.saved_voices.change(caller, id, changes), services, base_url)


@router.delete("/v1/voices/{id}", responses=KEYED)
async def delete_voice(id: str, services: AuthedServices, caller: CurrentCaller) -> DeletedVoice:
    """Delete a saved voice, and all that was made of it."""
    await services.saved_voices.delete(caller, id)
    return DeletedVoice(id=id)


async def _shown(
    voice: SavedVoice, services: Services, base_url: str, headers: dict[str, str] | None = None
) -> Response:
    listed = await services.listings.voice(
        ListedVoice(services.saved_voices.shown(voice), voice.preview), base_url, for_sdk=True
    )
    body = SavedVoiceInfo(
        **listed.model_dump(),
        similarity=voice.similarity,
        reference_kept=voice.reference_bytes > 0,
        consent=Consent(statement=voice.consent, at=shown_time(voice.consented_at), key=voice.consent_key),
        created_at=shown_time(voice.created_at),
    )
    return Response(body.model_dump_json(), headers=headers, media_type="application/json")
