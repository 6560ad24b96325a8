"""The lists of models and voices: the published fields, with the additions of the SDKs and of OpenAI."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

import orjson

from ttsai_server.api.catalog_schemas import (
    MeasuredSpeed,
    ModelInfo,
    ModelList,
    SpeechModels,
    VoiceInfo,
    VoiceList,
)
from ttsai_server.domain import Capability, ModelCard, Tier, Voice
from ttsai_server.engines.catalog import Catalog, load_class
from ttsai_server.services.availability import Availability
from ttsai_server.services.billing import price
from ttsai_server.services.languages import LanguageUse, languages
from ttsai_server.services.model_facts import ModelFacts, all_facts, availabilities, voice_availability
from ttsai_server.services.trials import Speed
from ttsai_server.services.voices import ListedVoice
from ttsai_server.settings import Settings
from ttsai_server.text.language import NAMES

CHECK_SECONDS = 5.0
"""How long the facts of the models are cached: a look at all their files and packages takes tenths of a second."""


class Listings:
    """Lists from the catalogue, which is fixed while the server runs, and the models' availability, which is not."""

    def __init__(self, catalog: Catalog, settings: Settings) -> None:
        self._catalog = catalog
        self._settings = settings
        self._created = int(time.time())
        self._names = _unique_names(list(catalog.speakers.values()))
        self._facts: Mapping[str, ModelFacts] = {}
        """By the name under which a model is listed."""
        self._voices: Mapping[tuple[str, str], Availability] = {}
        """Of each voice, by its model's id and its own language."""
        self._checked_at = -CHECK_SECONDS
        self._looking = asyncio.Lock()
        self._bodies: dict[tuple[Capability | None, bool], bytes] = {}
        self._languages: Sequence[LanguageUse] | None = None

    async def models(self, capability: Capability | None = None, *, for_sdk: bool = False) -> bytes:
        """The JSON body of the list of models, by id; OpenAI's names and aliases are listed too.

        Args:
            capability: only models that have it, ready ones first.
            for_sdk: in the variant that the vendor's SDKs read.
        """
        await self._refresh()
        if (capability, for_sdk) not in self._bodies:
            self._bodies[capability, for_sdk] = _json(self._list(capability, for_sdk=for_sdk))
        return self._bodies[capability, for_sdk]

    async def model(self, name: str, *, for_sdk: bool) -> ModelInfo:
        """A model, by its id, a published name or the name of a family. Raises UnknownModel."""
        await self._refresh()
        if name not in self._facts:
            name = self._catalog.find(name).listed_as
        return self._info(name, self._facts[name], for_sdk=for_sdk)

    async def voices(self, voices: Iterable[ListedVoice], base_url: str, *, for_sdk: bool) -> bytes:
        """The JSON body of a list of voices."""
        await self._refresh()
        shown = [self._voice(listed, base_url, for_sdk=for_sdk) for listed in voices]
        return _json(VoiceList(voices=shown, total=len(shown)))

    async def voice(self, listed: ListedVoice, base_url: str, *, for_sdk: bool) -> VoiceInfo:
        """A voice, as lists have it."""
        await self._refresh()
        return self._voice(listed, base_url, for_sdk=for_sdk)

    def speech_models(self) -> SpeechModels:
        """Ids of the models by use, from which the SDKs build their menus."""
        spoken = self._catalog.cards(Capability.TTS)
        return SpeechModels(
            tts_models=_names(spoken),
            clone_models=_names(self._catalog.cards(Capability.CLONE)),
            enhance_models=_names(self._catalog.cards(Capability.ENHANCEMENT)),
            instructions_supported_models=_names(
                card for card in spoken if "instructions" in load_class(card).Options.model_fields
            ),
        )

    async def languages(self) -> Sequence[LanguageUse]:
        """What can be done with each language now."""
        await self._refresh()
        async with self._looking:
            if self._languages is None:
                self._languages = await asyncio.to_thread(languages, self._settings, self._catalog)
            return self._languages

    async def _refresh(self) -> None:
        """Look again if what is known is old; requests that come meanwhile wait for the one look."""
        if self._is_fresh():
            return
        async with self._looking:
            if self._is_fresh():
                return
            self._facts, self._voices = await asyncio.to_thread(self._look)
            self._checked_at = time.monotonic()
            self._bodies.clear()
            self._languages = None

    def _is_fresh(self) -> bool:
        return time.monotonic() - self._checked_at < CHECK_SECONDS

    def _look(self) -> tuple[Mapping[str, ModelFacts], Mapping[tuple[str, str], Availability]]:
        found = availabilities(self._settings, self._catalog.cards())
        return all_facts(self._settings, self._catalog.listed(), found), {
            (card.id, language): voice_availability(card, language, found[card.id])
            for card in self._catalog.cards()
            for language in {*card.languages, *(voice.language for voice in card.voices)}
        }

    def _list(self, capability: Capability | None, *, for_sdk: bool) -> ModelList:
        listed = sorted(self._catalog.listed(capability))
        models = [self._info(name, self._facts[name], for_sdk=for_sdk) for name in listed]
        if capability:
            models.sort(key=lambda model: model.status != "ready")
        return ModelList(data=models, models=models)

    def _info(self, id: str, facts: ModelFacts, *, for_sdk: bool) -> ModelInfo:
        speaks = Capability.TTS in facts.tasks
        credits = price(self._settings.prices, Capability.TTS, facts.tier).of(1000) if speaks else 0
        return ModelInfo(
            id=id,
            name=id if for_sdk else facts.name,
            type=facts.tasks[0],
            tier=facts.tier,
            languages=list(facts.languages),
            supports_cloning=Capability.CLONE in facts.tasks,
            approximate=facts.approximate or None,
            supports_streaming=facts.streaming,
            credits_per_1k_chars=credits,
            credits_per_1k=credits if for_sdk else None,
            capabilities=list(facts.tasks),
            status=facts.availability.status,
            command=facts.availability.command,
            reason=facts.availability.reason,
            licence=facts.licence,
            commercial_use=facts.commercial,
            voice_count=facts.voices,
            sample_rate=facts.rate or None,
            memory_mb=facts.memory_mb,
            size_mb=facts.size_mb,
            device=facts.device,
            measured=_measured(facts.speed),
            created=self._created,
            owned_by="ttsai-server",
        )

    def _voice(self, listed: ListedVoice, base_url: str, *, for_sdk: bool) -> VoiceInfo:
        voice = listed.voice
        card = self._catalog.models[voice.model]
        own = self._voices.get((card.id, voice.language))  # none for a region that no voice of the model has
        found = own or self._voices[card.id, voice.language.split("-")[0]]
        shown = VoiceInfo(
            id=voice.id,
            name=self._names.get(voice.id, voice.name),
            model=card.listed_as,
            language=voice.language,
            gender=voice.gender,  # pyright: ignore[reportArgumentType] the card's reader has checked it
            preview_url=f"{base_url}/v1/voices/preview/{listed.preview}.mp3",
            languages=list(voice.languages),
            status=found.status,
            command=found.command,
            licence=card.licence,
            commercial_use=card.commercial,
            speakers=voice.speakers if voice.speakers > 1 else None,
        )
        if not for_sdk:
            return shown
        more = {
            "voice_id": voice.id,
            "model_name": card.listed_as,
            "is_premium": card.tier is Tier.PREMIUM,
            "tags": f"{voice.language}, {voice.gender}",
        }
        return shown.model_copy(update=more)


def _measured(speed: Speed | None) -> MeasuredSpeed | None:
    return MeasuredSpeed(**asdict(speed), real_time_factor=speed.real_time_factor) if speed else None


def _names(cards: Iterable[ModelCard]) -> list[str]:
    """The names under which the cards are listed; a family once."""
    return list(dict.fromkeys(card.listed_as for card in cards))


def _unique_names(voices: Sequence[Voice]) -> Mapping[str, str]:
    """Voice id → its name, followed by its language, or else its id, if another voice has the same name."""
    spoken = {voice.id: f"{voice.name} ({NAMES[voice.language.split('-')[0]]})" for voice in voices}
    count = Counter([*(voice.name for voice in voices), *spoken.values()])

    def name(voice: Voice) -> str:
        unique = (label for label in (voice.name, spoken[voice.id]) if count[label] == 1)
        return next(unique, f"{voice.name} ({voice.id})")

    return {voice.id: name(voice) for voice in voices}


def _json(listing: ModelList | VoiceList) -> bytes:
    return orjson.dumps(listing.model_dump(mode="json", exclude_none=True))
