"""Looks up model cards and voices by name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Self, TypeVar

from ttsai_server.domain import Capability, ModelCard, Voice
from ttsai_server.engines.base import Engine
from ttsai_server.engines.cards import read_cards
from ttsai_server.errors import BadCard, UnknownModel
from ttsai_server.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Catalog:
    models: Mapping[str, ModelCard]
    """Id, alias or published name → card."""
    speakers: Mapping[str, Voice]
    """Voice id → voice; no two models share one."""
    published: Mapping[str, str]
    """Additional name, e.g. OpenAI's tts-1 → id, or family, of the model that it stands for."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The catalogue for these settings, with OpenAI's model names. Raises as `read`."""
        models = settings.models
        openai = {
            name: models.aliases.get(service.default_model, service.default_model)
            for service in (settings.speech, settings.transcription)
            for name in service.openai_models
        }
        return cls.read(models.cards, demo=models.demo, published={**openai, **models.aliases})

    @classmethod
    def read(cls, folder: Path, *, demo: bool = False, published: Mapping[str, str] | None = None) -> Self:
        """Read the cards in `folder`, those of demo models only if `demo`.

        published: additional name → id or family; those without a card are ignored. Raises BadCard, which names file
        and key, for an invalid card or a name that two cards use.
        """
        files = sorted(folder.glob("*.toml"), key=lambda file: file.stem)
        shown = [(file, card) for file in files for card in read_cards(file) if demo or not card.demo]
        models = ((file, "aliases", name, card) for file, card in shown for name in (card.id, *card.aliases))
        voices = ((file, "voices", voice.id, voice) for file, card in shown for voice in card.voices)
        known = _unique(models)
        _check_families(shown, known)
        there = {*known, *(card.listed_as for _, card in shown)}
        names = {name: id for name, id in (published or {}).items() if id in there and name not in there}
        return cls({**known, **{name: known[id] for name, id in names.items() if id in known}}, _unique(voices), names)

    def cards(self, capability: Capability | None = None) -> list[ModelCard]:
        """All cards, or only those with `capability`; sorted by id, those of one file as they are in it."""
        own = (card for name, card in self.models.items() if name == card.id)
        return [card for card in own if capability is None or capability in card.tasks]

    def names(self) -> set[str]:
        """All names that `family` knows."""
        return {*self.models, *self.published, *(card.family for card in self.cards() if card.family)}

    def listed(self, capability: Capability | None = None) -> dict[str, list[ModelCard]]:
        """The models as listed to clients: name, also a published one → its card, or the cards of its family."""
        found: dict[str, list[ModelCard]] = {}
        for card in self.cards(capability):
            found.setdefault(card.listed_as, []).append(card)
        meant = {name: self.family(name)[0].listed_as for name in self.published}
        return found | {name: found[model] for name, model in meant.items() if model in found}

    def find(self, name: str) -> ModelCard:
        """The card with this id, alias or published name. Raises UnknownModel."""
        if name not in self.models:
            raise UnknownModel(name)
        return self.models[name]

    def resolve(self, name: str, capability: Capability) -> ModelCard:
        """As `find`; raises UnknownModel also for a model without that capability."""
        card = self.find(name)
        if capability not in card.tasks:
            raise UnknownModel(name, does=card.tasks[0])
        return card

    def family(self, name: str) -> list[ModelCard]:
        """The cards of the family `name`, or the one card with this id, alias or published name.

        Raises UnknownModel.
        """
        name = self.published.get(name, name)
        return [card for card in self.cards() if card.family == name] or [self.find(name)]

    def kin(self, name: str, capability: Capability) -> list[ModelCard]:
        """The cards of `family` that have `capability`. Raises UnknownModel also if none has it."""
        found = self.family(name)
        able = [card for card in found if capability in card.tasks]
        if not able:
            raise UnknownModel(name, does=found[0].tasks[0])
        return able


def load_class(card: ModelCard) -> type[Engine]:
    """Import the card's engine class, without its heavy packages. Raises BadCard if there is no such class."""
    module, name = card.engine.split(":")
    try:
        found = getattr(import_module(module), name, None)
    except ModuleNotFoundError as error:
        raise BadCard(Path(f"{card.id}.toml"), "engine", str(error)) from error
    if not (isinstance(found, type) and issubclass(found, Engine)):
        raise BadCard(Path(f"{card.id}.toml"), "engine", f"{card.engine!r} is not an engine")
    return found


def _check_families(cards: Sequence[tuple[Path, ModelCard]], names: Mapping[str, ModelCard]) -> None:
    """Raise BadCard for a family with the name of a model, or whose cards differ in name, tier or tasks."""
    first: dict[str, ModelCard] = {}
    for file, card in cards:
        if card.family in names:
            raise BadCard(file, "family", f"{card.family!r} is the name of a model")
        if card.listed_as == card.family:
            other = first.setdefault(card.family, card)
            if (card.name, card.tier, card.tasks) != (other.name, other.tier, other.tasks):
                raise BadCard(file, "family", f"name, tier and tasks are to be those of {other.id!r}, of that family")


def _unique(entries: Iterable[tuple[Path, str, str, T]]) -> dict[str, T]:
    found: dict[str, T] = {}
    files: dict[str, Path] = {}
    for file, key, name, value in entries:
        if name in found:
            raise BadCard(file, key, f"{name!r} is already given by {files[name]}")
        found[name], files[name] = value, file
    return found
