"""Whether a model can be used on this machine, and which command would make it so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ttsai_server.domain import ModelCard
from ttsai_server.engines.installation import install_command, require_installed
from ttsai_server.engines.weights import missing_files
from ttsai_server.errors import WeightsMissing
from ttsai_server.settings import Models


@dataclass(frozen=True, slots=True)
class Availability:
    status: Literal["ready", "needs_pull", "needs_install"]
    """needs_pull: its weights are not here; needs_install: packages are not, and perhaps its weights neither."""
    command: str | None = None
    """What the operator has to run; None when it is ready."""


def availability(card: ModelCard, models: Models) -> Availability:
    """Whether a model is ready, found out without loading it: a stat for each of its files."""
    install = install_command(card, models.dir)
    pull = f"ttsai-server models pull {card.id}" if missing_files(card, models.dir) else None
    if not install and not pull:
        return Availability("ready")
    commands = [command for command in (install, pull) if command]
    return Availability("needs_install" if install else "needs_pull", " && ".join(commands))


def first_ready(cards: Sequence[ModelCard], otherwise: ModelCard, models: Models) -> ModelCard:
    """The first that is ready; else `otherwise`, where a request may fetch weights.

    Raises PackagesMissing or WeightsMissing, of `otherwise`.
    """
    for card in cards:
        if availability(card, models).status == "ready":
            return card
    require_installed(otherwise, models.dir)
    if not models.auto_pull:
        raise WeightsMissing(otherwise.id)
    return otherwise
