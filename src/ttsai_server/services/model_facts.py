"""What lists say of a model: its card, and what is known of it on this machine.

The lists of the API, `ttsai-server models list`, `doctor` and the table of the README are all made of this.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ttsai_server.domain import Capability, ModelCard, Tier
from ttsai_server.engines.base import Synthesizer
from ttsai_server.engines.catalog import load_class
from ttsai_server.engines.weights.model_folder import ModelFolder
from ttsai_server.runtime.loading import device
from ttsai_server.services.availability import Availability
from ttsai_server.services.trials import Speed, Trials
from ttsai_server.settings import Settings


@dataclass(frozen=True, slots=True)
class ModelFacts:
    id: str
    """Of a family of voices, its name."""
    name: str
    tasks: tuple[Capability, ...]
    tier: Tier
    licence: str
    """SPDX identifier of the weights' licence; of a family, all that its voices have, with commas."""
    commercial: bool
    """Whether the licence allows commercial use; of a family, that of every voice."""
    languages: tuple[str, ...]
    """ISO 639-1."""
    voices: int
    """How many it has of its own."""
    rate: int
    """Sample rate, Hz; 0: it has to do with text only."""
    streaming: bool
    approximate: bool
    """Whether voices that it makes from recordings are only near to the speaker's."""
    memory_mb: int | None
    """Resident memory when loaded, megabytes; None: its card does not say."""
    size_mb: int | None
    """Its files on this machine, megabytes; where they are not here, what its card says; None: it does not say. Of a
    family, those that are here, or of one voice."""
    device: str
    """cpu or cuda: where it runs, or would run, on this machine."""
    availability: Availability
    speed: Speed | None
    """As measured on this machine; None: it has not been."""


def all_facts(
    settings: Settings, listed: Mapping[str, Sequence[ModelCard]], found: Mapping[str, Availability] | None = None
) -> dict[str, ModelFacts]:
    """Name → facts, of the models listed under these names. Blocking: a stat a file.

    found: the availability of each card, by its id; None: it is looked at.
    """
    cards = {card.id: card for cards in listed.values() for card in cards}
    found = found or availabilities(settings, cards.values())
    return {name: _facts(name, cards, found, settings) for name, cards in listed.items()}


def availabilities(settings: Settings, cards: Iterable[ModelCard]) -> dict[str, Availability]:
    """Id → availability. Blocking: a stat a file."""
    trials = Trials(settings)
    return {card.id: trials.availability(card) for card in cards}


def voice_availability(card: ModelCard, language: str, found: Availability) -> Availability:
    """Whether a voice can be used: as its model, if the packages that its own language (BCP 47) takes are installed."""
    engine = load_class(card)
    extra = engine.missing_extra(language) if issubclass(engine, Synthesizer) else ""
    if found.status != "ready" or not extra:
        return found
    return Availability("needs_install", f"pip install 'ttsai-server[{extra}]'")


def _facts(id: str, cards: Sequence[ModelCard], found: Mapping[str, Availability], settings: Settings) -> ModelFacts:
    """The facts of a model, or of a family of voices, which is as ready as its readiest."""
    ready = [card for card in cards if found[card.id].status == "ready"]
    card = next(iter(ready), cards[0])
    return ModelFacts(
        id=id,
        name=card.name,
        tasks=card.tasks,
        tier=card.tier,
        licence=", ".join(sorted({each.licence for each in cards})),
        commercial=all(each.commercial for each in cards),
        languages=tuple(dict.fromkeys(code for each in cards for code in each.languages)),
        voices=sum(len(each.voices) for each in cards),
        rate=card.rate,
        streaming=card.streaming,
        approximate=card.approximate,
        memory_mb=card.memory or None,
        size_mb=sum(_size(each, settings) for each in ready or [card]) or None,
        device=load_class(card).device(device(settings.models)),
        availability=found[card.id],
        speed=Trials(settings).speed(card),
    )


def _size(card: ModelCard, settings: Settings) -> int:
    folder = ModelFolder(card, settings.models.dir)
    stamps = [folder.stamp(file) for file in folder.files]
    return round(sum(stamp[0] for stamp in stamps if stamp) / 1e6) if all(stamps) else card.size
