"""Which voices there are for a caller, and what a voice's name means: for speech, previews and listings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ttsai_server.domain import Caller, Capability, ModelCard, Preset, Reference, Voice
from ttsai_server.engines.catalog import Catalog
from ttsai_server.errors import BadRequest, UnknownVoice
from ttsai_server.services.blends import parse_blend
from ttsai_server.services.saved_voices import PREFIX, SavedVoices, own_language
from ttsai_server.store.saved_voices import SavedVoice


@dataclass(frozen=True, slots=True)
class Choice:
    """The model and the voices that a client has chosen by their names."""

    card: ModelCard
    """The model that speaks: of a family, the one that has the voice."""
    voices: tuple[Voice, ...]
    parts: tuple[Preset | Reference, ...]
    """The same voices, as the engine is asked for them."""
    unmade: Mapping[int, SavedVoice] = field(default_factory=dict[int, SavedVoice])
    """Place among `parts` → saved voice that the model has yet to make of its recording; there its part is empty."""
    any_voice: bool = False
    """Whether the client has asked for none: sentences in other languages may have another voice of the model."""


def unnamed_voice(card: ModelCard) -> Voice:
    """What is known of a voice that a model makes from a recording; its id is for messages alone."""
    return Voice("of the recording", "", card.id, own_language(card, None), "neutral", card.languages)


@dataclass(frozen=True, slots=True)
class ListedVoice:
    voice: Voice
    preview: str
    """Id of its preview: the voice's own, or one that reveals nothing of it."""


class Voices:
    """The voices of the catalogue, which every caller has, and those that an account has saved."""

    def __init__(self, catalog: Catalog, saved: SavedVoices | None = None) -> None:
        """saved: None where nobody can save a voice."""
        self.catalog = catalog
        self._saved = saved

    def choose(self, caller: Caller, model: str, voice: str) -> Choice:
        """What a model, or a family of them, and a voice or a blend as `af_bella(2)+af_sky(1)` mean.

        Blocking, and to be called in a thread of `anyio.to_thread`: a saved voice is read from the database.

        Raises UnknownModel, UnknownVoice; BadRequest for a voice of another model, a form that can't be read, and a
        blend where the model can't blend.
        """
        cards = {card.id: card for card in self.catalog.kin(model, Capability.TTS)}
        weights = parse_blend(voice)
        saved = {name: self.saved(caller, name) for name, _ in weights}
        voices = tuple(self._voice(name, saved[name]) for name, _ in weights)
        card = _speaker(cards, voices)
        voices = tuple(one if one.model in cards else self._adopted(one, saved[one.id], card, model) for one in voices)
        if len(voices) > 1 and not card.blends:
            raise BadRequest(f"{card.listed_as!r} can't blend voices: ask for one of them.", param="voice")
        parts = tuple(self._part(card, name, weight, saved[name]) for name, weight in weights)
        unmade = {
            place: kept
            for place, part in enumerate(parts)
            if isinstance(part, Reference) and not part.arrays and (kept := saved[weights[place][0]])
        }
        return Choice(card, voices, parts, unmade)

    def find(self, caller: Caller, name: str) -> Voice:
        """The voice of that name; as `choose`, to be called in a thread. Raises UnknownVoice."""
        return self._voice(name, self.saved(caller, name))

    def saved(self, caller: Caller, name: str) -> SavedVoice | None:
        """The account's own voice with this id, likewise; None for a name that is no such id. Raises UnknownVoice."""
        own = name.startswith(PREFIX) and name not in self.catalog.speakers
        return self._saved.blocking_get(caller, name) if self._saved and own else None

    def _voice(self, name: str, saved: SavedVoice | None) -> Voice:
        voice = self._saved.shown(saved) if self._saved and saved else self.catalog.speakers.get(name)
        if voice is None:
            raise UnknownVoice(name)
        return voice

    def _part(self, card: ModelCard, name: str, weight: float, saved: SavedVoice | None) -> Preset | Reference:
        """Empty for a saved voice that the model has yet to make."""
        if not (self._saved and saved):
            return Preset(name, weight)
        reference = self._saved.blocking_reference(saved, card)
        if not reference and not saved.reference_bytes:  # it has just been deleted
            raise UnknownVoice(name)
        return replace(reference or Reference(card.id, {}), weight=weight)

    def _adopted(self, voice: Voice, saved: SavedVoice | None, card: ModelCard, model: str) -> Voice:
        """A voice of another model as `card` has it, which makes it of the recording that is kept with it.

        Raises BadRequest for a voice that can't be made so.
        """
        owner = self.catalog.models[voice.model].listed_as
        if not saved:
            why = ""
        elif not saved.reference_bytes:
            why = "; its recording was not kept (keep_reference), so that no other model can make it"
        elif Capability.CLONE not in card.tasks:
            why = ", which makes no voices from recordings"
        else:
            own = voice.language if voice.language.split("-")[0] in card.languages else own_language(card, None)
            return replace(voice, model=card.id, language=own, languages=card.languages)
        raise BadRequest(f"The voice {voice.id!r} belongs to {owner!r}, not to {model!r}{why}.", param="voice")

    async def listed(
        self, caller: Caller | None, model: str | None = None, language: str | None = None, gender: str | None = None
    ) -> list[ListedVoice]:
        """The voices that match all that is given, those that the account has saved first; `en` matches `en-us`.

        caller: None for someone without a key, who sees no saved voices; nor does a web page. Raises UnknownModel.
        """
        models = {card.id for card in self.catalog.family(model)} if model else self.catalog.models.keys()
        begin = f"{language.lower()}-" if language else ""
        saved = await self._saved.of(caller) if self._saved and caller and not caller.publishable else []
        own = [ListedVoice(self._voice(each.id, each), each.preview) for each in saved]
        every = [*own, *(ListedVoice(voice, voice.id) for voice in self.catalog.speakers.values())]
        return [
            each
            for each in every
            if each.voice.model in models
            and f"{each.voice.language}-".startswith(begin)
            and gender in (None, each.voice.gender)
        ]


def _speaker(cards: Mapping[str, ModelCard], voices: Sequence[Voice]) -> ModelCard:
    """The model that has one of the voices, or else that may make them, of the kin that a client has named."""
    having = [cards[voice.model] for voice in voices if voice.model in cards]
    making = [card for card in cards.values() if Capability.CLONE in card.tasks]
    return [*having, *making, *cards.values()][0]
