"""Whether a model can be used on this machine, and which command would make it so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ttsai_server.domain import ModelCard
from ttsai_server.engines import environments
from ttsai_server.engines.catalog import Catalog
from ttsai_server.engines.installation import install_command
from ttsai_server.engines.weights import damage, missing_files
from ttsai_server.settings import Models

Status = Literal["ready", "needs_pull", "needs_install", "broken"]


@dataclass(frozen=True, slots=True)
class Availability:
    status: Status
    """needs_pull: its weights are not here; needs_install: packages are not, and perhaps its weights neither; broken:
    something of it is here, and damaged."""
    command: str | None = None
    """What the operator has to run; None when it is ready."""
    reason: str | None = None
    """What is damaged; None if nothing is."""


def availability(card: ModelCard, models: Models) -> Availability:
    """Whether a model is ready, found out without loading it: a stat for each of its files.

    With `models.workers` its packages are theirs; `models.dir` has to hold the weights that are on them.
    """
    install = None if models.workers else install_command(card, models.dir)
    damaged = damage(card, models.dir)
    pull = f"ttsai-server models pull {card.id}" if damaged or missing_files(card, models.dir) else None
    halved = environments.damage(card, models.dir) if card.environment and not models.workers else ""
    if not install and not pull:
        return Availability("ready")
    command = " && ".join(command for command in (install, pull) if command)
    if reason := damaged or halved:
        return Availability("broken", command, reason)
    return Availability("needs_install" if install else "needs_pull", command)


def meant(cards: Sequence[ModelCard], models: Models) -> list[ModelCard]:
    """What the name of a model means to who runs the server.

    cards: those that have the name: all are meant, but of a family of voices those that are ready, or else its first.
    """
    if cards[0].listed_as != cards[0].family:
        return [*cards]
    return [card for card in cards if availability(card, models).status == "ready"] or [cards[0]]


def listed(catalog: Catalog, models: Models) -> list[ModelCard]:
    """What is listed to who runs the server: all models, but of a family of voices only those that are `meant`."""
    groups = {card.listed_as: catalog.family(card.listed_as) for card in catalog.cards()}
    return [card for cards in groups.values() for card in meant(cards, models)]
