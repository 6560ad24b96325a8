"""ElevenLabs' lists of voices and models: those that are ready, since its clients don't know others."""

from typing import Annotated

from fastapi import APIRouter, Query

from ttsai_server.api.catalog_schemas import ModelInfo as PublishedModel
from ttsai_server.api.catalog_schemas import VoiceInfo as PublishedVoice
from ttsai_server.api.deps import AuthedServices, BaseUrl, CurrentCaller, Services
from ttsai_server.api.elevenlabs.schemas import (
    KEYED,
    LanguageInfo,
    ModelInfo,
    VerifiedLanguage,
    VoiceInfo,
    VoiceList,
    VoicePage,
)
from ttsai_server.domain import Caller, Capability
from ttsai_server.errors import UnknownVoice
from ttsai_server.text.language import NAMES

router = APIRouter(prefix="/elevenlabs", tags=["ElevenLabs"], responses=KEYED)

PageToken = Annotated[str, Query(pattern=r"^\d{1,9}$")]


@router.get("/v1/voices", response_model_exclude_none=True)
async def list_voices(services: AuthedServices, caller: CurrentCaller, base_url: BaseUrl) -> VoiceList:
    return VoiceList(voices=await _voices(services, caller, base_url))


@router.get("/v2/voices", response_model_exclude_none=True)
async def search_voices(
    services: AuthedServices,
    caller: CurrentCaller,
    base_url: BaseUrl,
    search: str = "",
    page_size: Annotated[int, Query(ge=1, le=100)] = 10,
    next_page_token: PageToken = "0",
) -> VoicePage:
    """Voices by words of their id, name, language or gender, page by page."""
    voices = [voice for voice in await _voices(services, caller, base_url) if _matches(voice, search)]
    start = int(next_page_token)
    end = start + page_size
    more = end < len(voices)
    return VoicePage(
        voices=voices[start:end], has_more=more, total_count=len(voices), next_page_token=str(end) if more else None
    )


@router.get("/v1/voices/{voice_id}", response_model_exclude_none=True)
async def get_voice(voice_id: str, services: AuthedServices, caller: CurrentCaller, base_url: BaseUrl) -> VoiceInfo:
    name = services.settings.elevenlabs.voices.get(voice_id, voice_id)
    for voice in await _voices(services, caller, base_url):
        if voice.voice_id == name:
            return voice
    raise UnknownVoice(voice_id)


@router.get("/v1/models", response_model_exclude_none=True)
async def list_models(services: AuthedServices, caller: CurrentCaller) -> list[ModelInfo]:
    """The models that speak, and ElevenLabs' names, which stand for the model that has the voice."""
    names = dict.fromkeys(card.listed_as for card in services.catalog.cards(Capability.TTS))
    known = [await services.listings.model(name, for_sdk=False) for name in names]
    ready = [model for model in known if model.status == "ready"]
    longest = services.settings.plans[caller.plan].max_characters
    spoken = sorted({code for model in ready for code in model.languages})
    aliases = [_model(name, name, spoken, longest) for name in services.settings.elevenlabs.models if ready]
    return [*aliases, *(_published(model, longest) for model in ready)]


async def _voices(services: Services, caller: Caller, base_url: str) -> list[VoiceInfo]:
    listed = await services.voices.listed(caller)
    shown = [await services.listings.voice(each, base_url, for_sdk=False) for each in listed]
    premade = services.catalog.speakers
    return [_voice(voice, cloned=voice.id not in premade) for voice in shown if voice.status == "ready"]


def _voice(voice: PublishedVoice, *, cloned: bool) -> VoiceInfo:
    return VoiceInfo(
        voice_id=voice.id,
        name=voice.name,
        category="cloned" if cloned else "premade",
        labels={"language": voice.language, "gender": voice.gender},
        preview_url=voice.preview_url,
        high_quality_base_model_ids=[voice.model],
        verified_languages=[VerifiedLanguage(language=code, model_id=voice.model) for code in voice.languages],
    )


def _matches(voice: VoiceInfo, search: str) -> bool:
    told = " ".join((voice.voice_id, voice.name, *voice.labels.values())).lower()
    return all(word in told for word in search.lower().split())


def _published(model: PublishedModel, longest: int) -> ModelInfo:
    converts = Capability.VOICE_CONVERSION in model.capabilities
    return _model(model.id, model.name, model.languages, longest, converts=converts)


def _model(id: str, name: str, languages: list[str], longest: int, *, converts: bool = False) -> ModelInfo:
    return ModelInfo(
        model_id=id,
        name=name,
        can_do_text_to_speech=True,
        can_do_voice_conversion=converts,
        languages=[LanguageInfo(language_id=code, name=NAMES[code]) for code in languages],
        maximum_text_length_per_request=longest,
    )
