"""Models and voices as they are listed: the published shape, the SDKs' additions and OpenAI's, side by side."""

import time

import orjson

from ttsai_server.api.schemas import ModelInfo, ModelList, SpeechModels, VoiceInfo, VoiceList
from ttsai_server.domain import ModelCard, Task, Tier, Voice
from ttsai_server.engines.catalog import Catalog, load_class
from ttsai_server.services.billing import price
from ttsai_server.settings import Settings


class Listings:
    """Made once: the catalogue does not change while the server runs."""

    def __init__(self, catalog: Catalog, settings: Settings) -> None:
        self._catalog = catalog
        self._prices = settings.prices
        self._created = int(time.time())
        self.models = self._models_json(for_sdk=False)
        """The body of GET /v1/models/."""
        self.sdk_models = self._models_json(for_sdk=True)
        """The body of GET /api/v1/models/."""

    def model(self, id: str, card: ModelCard, *, for_sdk: bool) -> ModelInfo:
        """One model under its id or a published name; for the vendor's SDKs `name` is that too."""
        credits = price(card, 1000, self._prices) if card.task is Task.TTS else 0
        return ModelInfo(
            id=id,
            name=id if for_sdk else card.name,
            type=card.task,
            tier=card.tier,
            languages=list(card.languages),
            supports_cloning=card.cloning,
            supports_streaming=card.streaming,
            credits_per_1k_chars=credits,
            credits_per_1k=credits if for_sdk else None,
            created=self._created,
            owned_by="ttsai-server",
        )

    def voices(self, voices: list[Voice], base_url: str, *, for_sdk: bool) -> bytes:
        """The JSON body of a list of voices."""
        shown = [self._voice(voice, base_url, for_sdk=for_sdk) for voice in voices]
        return _json(VoiceList(voices=shown, total=len(shown)))

    def speech_models(self) -> SpeechModels:
        """What the SDKs ask before they offer a choice."""
        cards = self._catalog.cards()
        spoken = [card for card in cards if card.task is Task.TTS]
        return SpeechModels(
            tts_models=[card.id for card in spoken],
            clone_models=[card.id for card in cards if card.cloning],
            enhance_models=[card.id for card in cards if card.task is Task.ENHANCEMENT],
            instructions_supported_models=[
                card.id for card in spoken if "instructions" in load_class(card).Options.model_fields
            ],
        )

    def _models_json(self, *, for_sdk: bool) -> bytes:
        named = {card.id: card for card in self._catalog.cards()}
        named |= {name: self._catalog.models[name] for name in self._catalog.published}
        models = [self.model(id, card, for_sdk=for_sdk) for id, card in sorted(named.items())]
        return _json(ModelList(data=models, models=models))

    def _voice(self, voice: Voice, base_url: str, *, for_sdk: bool) -> VoiceInfo:
        card = self._catalog.models[voice.model]
        shown = VoiceInfo(
            id=voice.id,
            name=voice.name,
            model=voice.model,
            language=voice.language,
            gender=voice.gender,  # pyright: ignore[reportArgumentType] the card's reader has checked it
            preview_url=f"{base_url}/v1/voices/preview/{voice.id}.mp3",
        )
        if not for_sdk:
            return shown
        more = {
            "voice_id": voice.id,
            "model_name": voice.model,
            "is_premium": card.tier is Tier.PREMIUM,
            "tags": [voice.language, voice.gender],
        }
        return shown.model_copy(update=more)


def _json(listing: ModelList | VoiceList) -> bytes:
    return orjson.dumps(listing.model_dump(mode="json", exclude_none=True))
