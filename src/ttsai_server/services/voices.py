"""Which voices there are for a caller, and what a voice's name means: for speech, previews and listings."""

from dataclasses import dataclass

from ttsai_server.domain import Caller, Capability, ModelCard, Preset, Voice
from ttsai_server.engines.catalog import Catalog
from ttsai_server.errors import BadRequest, UnknownVoice
from ttsai_server.services.blends import parse_blend


@dataclass(frozen=True, slots=True)
class Choice:
    """The model and the voices that a client has chosen by their names."""

    card: ModelCard
    """The model that speaks: of a family, the one that has the voice."""
    voices: tuple[Voice, ...]
    presets: tuple[Preset, ...]
    """The same voices, as the engine is asked for them."""


class Voices:
    """Today every caller has the voices of the catalogue, and no others."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def choose(self, caller: Caller, model: str, voice: str) -> Choice:
        """What a model, or a family of them, and a voice or a blend as `af_bella(2)+af_sky(1)` mean.

        Raises UnknownModel, UnknownVoice; BadRequest for a voice of another model, a form that can't be read, and a
        blend where the model can't blend.
        """
        cards = {card.id: card for card in self._catalog.kin(model, Capability.TTS)}
        parts = parse_blend(voice)
        voices = tuple(self.find(caller, name) for name, _ in parts)
        for one in voices:
            if one.model not in cards:
                owner = self._catalog.models[one.model].listed_as
                raise BadRequest(f"The voice {one.id!r} belongs to {owner!r}, not to {model!r}.", param="voice")
        card = cards[voices[0].model]
        if len(voices) > 1 and not card.blends:
            raise BadRequest(f"{card.listed_as!r} can't blend voices: ask for one of them.", param="voice")
        return Choice(card, voices, tuple(Preset(name, weight) for name, weight in parts))

    def find(self, caller: Caller, name: str) -> Voice:
        """The voice of that name. Raises UnknownVoice."""
        voice = self._catalog.speakers.get(name)
        if voice is None:
            raise UnknownVoice(name)
        return voice

    def matching(
        self, caller: Caller | None, model: str | None = None, language: str | None = None, gender: str | None = None
    ) -> list[Voice]:
        """The voices that match all that is given; `en` matches `en-us`. Raises UnknownModel.

        caller: None for someone without a key.
        """
        models = {card.id for card in self._catalog.family(model)} if model else self._catalog.models.keys()
        begin = f"{language.lower()}-" if language else ""
        return [
            voice
            for voice in self._catalog.speakers.values()
            if voice.model in models and f"{voice.language}-".startswith(begin) and gender in (None, voice.gender)
        ]
