"""The models and voices that this server knows: cards looked up by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Self, TypeVar

from ttsai_server.domain import Capability, ModelCard, Voice
from ttsai_server.engines.base import Engine
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.voices import parse_blend
from ttsai_server.errors import BadCard, BadRequest, UnknownModel, UnknownVoice
from ttsai_server.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Catalog:
    models: Mapping[str, ModelCard]
    """Id, alias or published name → card."""
    speakers: Mapping[str, Voice]
    """Voice id → voice; no two models share one."""
    published: Mapping[str, str]
    """Name that clients expect to find → id of the model that it means here."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The catalogue that the settings ask for, with OpenAI's names. Raises as `read`."""
        models = settings.models
        openai = {
            name: models.aliases.get(service.default_model, service.default_model)
            for service in (settings.speech, settings.transcription)
            for name in service.openai_models
        }
        return cls.read(models.cards, demo=models.demo, published={**openai, **models.aliases})

    @classmethod
    def read(cls, folder: Path, *, demo: bool = False, published: Mapping[str, str] | None = None) -> Self:
        """The cards in `folder`, with those of demo models only if `demo`; names that mean no card here are left out.

        Raises BadCard, which names file and key, for a card that can't be used or a name that two cards give.
        """
        cards = {file: read_card(file) for file in sorted(folder.glob("*.toml"))}
        shown = {file: card for file, card in cards.items() if demo or not card.demo}
        models = ((file, "aliases", name, card) for file, card in shown.items() for name in (card.id, *card.aliases))
        voices = ((file, "voices", voice.id, voice) for file, card in shown.items() for voice in card.voices)
        known = _unique(models)
        names = {name: id for name, id in (published or {}).items() if id in known and name not in known}
        return cls({**known, **{name: known[id] for name, id in names.items()}}, _unique(voices), names)

    def cards(self, task: Capability | None = None) -> list[ModelCard]:
        """Each card once, by id; only those of `task` if one is given."""
        own = (card for name, card in sorted(self.models.items()) if name == card.id)
        return [card for card in own if task in (None, card.task)]

    def find(self, name: str) -> ModelCard:
        """The model that `name`, an id, an alias or a published name, means. Raises UnknownModel."""
        if name not in self.models:
            raise UnknownModel(name)
        return self.models[name]

    def resolve(self, name: str, task: Capability) -> ModelCard:
        """As `find`; raises UnknownModel also for a model of another task."""
        card = self.find(name)
        if card.task is not task:
            raise UnknownModel(name, does=card.task)
        return card

    def kin(self, name: str, task: Capability) -> list[ModelCard]:
        """The models of the family `name`, or the one that it means. Raises UnknownModel."""
        return [card for card in self.cards(task) if card.family == name] or [self.resolve(name, task)]

    def voice(self, card: ModelCard, name: str) -> Voice:
        """A voice of that model. Raises UnknownVoice, or BadRequest for one of another model."""
        voice = self.speakers.get(name)
        if voice is None:
            raise UnknownVoice(name)
        if voice.model != card.id:
            raise BadRequest(f"The voice {name!r} belongs to {voice.model!r}, not to {card.id!r}.", param="voice")
        return voice

    def blend(self, card: ModelCard, text: str) -> tuple[tuple[Voice, float], ...]:
        """The voices of `af_bella(2)+af_sky(1)` with their weights. Raises as `voice` and `parse_blend`."""
        return tuple((self.voice(card, name), weight) for name, weight in parse_blend(text))

    def voices(self, model: str | None = None, language: str | None = None, gender: str | None = None) -> list[Voice]:
        """The voices that match all that is given; `en` matches `en-us`. Raises UnknownModel."""
        card = self.find(model) if model else None
        return [v for v in self.speakers.values() if _matches(v, card, (language or "").lower(), gender)]


def load_class(card: ModelCard) -> type[Engine]:
    """The adapter of a card; imports its module, not its heavy package. Raises BadCard if there is none."""
    module, name = card.engine.split(":")
    try:
        found = getattr(import_module(module), name, None)
    except ModuleNotFoundError as error:
        raise BadCard(Path(f"{card.id}.toml"), "engine", str(error)) from error
    if not (isinstance(found, type) and issubclass(found, Engine)):
        raise BadCard(Path(f"{card.id}.toml"), "engine", f"{card.engine!r} is not an engine")
    return found


def _matches(voice: Voice, card: ModelCard | None, language: str, gender: str | None) -> bool:
    return (
        (card is None or voice.model == card.id)
        and (not language or f"{voice.language}-".startswith(f"{language}-"))
        and (not gender or voice.gender == gender)
    )


def _unique(entries: Iterable[tuple[Path, str, str, T]]) -> dict[str, T]:
    found: dict[str, T] = {}
    homes: dict[str, Path] = {}
    for file, key, name, value in entries:
        if name in found:
            raise BadCard(file, key, f"{name!r} is already given by {homes[name]}")
        found[name], homes[name] = value, file
    return found
