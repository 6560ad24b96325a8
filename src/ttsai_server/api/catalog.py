"""GET /v1/models/ and /v1/voices/, and the other paths at which clients expect these lists."""

from dataclasses import asdict
from typing import Literal

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from ttsai_server.api.audio_response import file_headers
from ttsai_server.api.catalog_schemas import Language, Languages, ModelInfo, ModelList, SpeechModels, VoiceList
from ttsai_server.api.deps import AuthedServices, BaseUrl, CurrentCaller, LightRoute, ServicesDep
from ttsai_server.api.schemas import KEYED, errors
from ttsai_server.domain import Capability
from ttsai_server.text.language import NAMES

keyed = APIRouter(tags=["catalogue"], responses=KEYED)
light = APIRouter(tags=["catalogue"], responses=KEYED, route_class=LightRoute)
open_ = APIRouter(tags=["catalogue"], responses=errors(400, 404, 500))
"""Routes without a key: web clients fill their menus before they have one, and previews play in any page."""


def _for_sdk(request: Request) -> bool:
    return "api_prefix" in request.scope["state"]


@light.get("/v1/models", response_model=ModelList)
async def list_models(request: Request, services: AuthedServices) -> Response:
    body = await services.listings.models(for_sdk=_for_sdk(request))
    return Response(body, media_type="application/json")


@keyed.get("/v1/models/{model}", response_model_exclude_none=True)
async def get_model(model: str, request: Request, services: AuthedServices) -> ModelInfo:
    return await services.listings.model(model, for_sdk=_for_sdk(request))


@keyed.get("/v1/voices", response_model=VoiceList)
async def list_voices(
    request: Request,
    services: AuthedServices,
    caller: CurrentCaller,
    base_url: BaseUrl,
    model: str | None = None,
    language: str | None = None,
    gender: Literal["male", "female", "neutral"] | None = None,
) -> Response:
    voices = await services.voices.listed(caller, model, language, gender)
    body = await services.listings.voices(voices, base_url, for_sdk=_for_sdk(request))
    return Response(body, media_type="application/json")


@keyed.get("/v1/speech/voices", response_model=VoiceList)
async def list_sdk_voices(
    services: AuthedServices, caller: CurrentCaller, base_url: BaseUrl, model: str | None = None
) -> Response:
    body = await services.listings.voices(await services.voices.listed(caller, model), base_url, for_sdk=True)
    return Response(body, media_type="application/json")


@keyed.get("/v1/speech/models")
async def list_speech_models(services: AuthedServices) -> SpeechModels:
    return services.listings.speech_models()


@keyed.get("/v1/speech/languages")
async def list_languages(services: AuthedServices) -> Languages:
    """All languages that the models speak or write down, and what can be done with them now."""
    found = await services.listings.languages()
    return Languages(languages=[Language.model_validate({**asdict(each), "name": NAMES[each.code]}) for each in found])


@open_.get("/v1/audio/models", response_model=ModelList)
async def list_audio_models(services: ServicesDep) -> Response:
    """Models for text to speech, ready ones first."""
    return Response(await services.listings.models(Capability.TTS), media_type="application/json")


@open_.get("/v1/audio/voices", response_model=VoiceList)
async def list_audio_voices(services: ServicesDep, base_url: BaseUrl) -> Response:
    body = await services.listings.voices(await services.voices.listed(None), base_url, for_sdk=False)
    return Response(body, media_type="application/json")


@open_.get(
    "/v1/voices/preview/{voice}.mp3",
    response_class=FileResponse,
    responses={200: {"content": {"audio/mpeg": {}}}, **errors(503)},
)
async def preview(voice: str, services: ServicesDep) -> Response:
    """A sentence spoken by the voice in its own language; generated at the first request, then cached."""
    context = services.flow.context
    preset = services.catalog.speakers.get(voice)
    if preset is None:
        saved = await services.saved_voices.by_preview(voice)
        sound = await context.previews.of_saved(context, saved)
        return Response(sound, media_type="audio/mpeg", headers={"Cache-Control": "private, no-cache"})
    file = await context.previews.file(context, preset)
    headers = {"Cache-Control": "public, max-age=86400", **file_headers(f"{voice}.mp3")}
    return FileResponse(file, media_type="audio/mpeg", headers=headers)
