"""Which models take a text from one language to another: directly, or by way of English."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Self

from ttsai_server.domain import Capability, ModelCard
from ttsai_server.engines.catalog import Catalog
from ttsai_server.services.availability import availability
from ttsai_server.settings import Settings

PIVOT = "en"


@dataclass(frozen=True, slots=True)
class Leg:
    """One translation by one model; languages are ISO 639-1 codes."""

    card: ModelCard
    source: str
    target: str


Route = tuple[Leg, ...]
"""Translations one after the other; none if the languages are the same."""


class Routes:
    """The routes that some models offer."""

    def __init__(self, cards: Sequence[ModelCard]) -> None:
        """cards: in the order in which they are preferred."""
        self._cards = cards

    @classmethod
    def of(cls, settings: Settings, catalog: Catalog, *, ready: bool) -> Self:
        """Those of the models in `translation.models`; ready: only of those that can be used now."""
        every = catalog.cards(Capability.TRANSLATION)
        named = (card for name in settings.translation.models for card in every if fnmatchcase(card.id, name))
        cards = {card.id: card for card in named}.values()
        return cls([card for card in cards if not ready or availability(card, settings.models).status == "ready"])

    def find(self, source: str, target: str) -> Route | None:
        """The shortest route, by the models preferred most; None if there is none."""
        if source == target:
            return ()
        if direct := self._leg(source, target):
            return (direct,)
        first, second = self._leg(source, PIVOT), self._leg(PIVOT, target)
        return (first, second) if first and second else None

    def sources(self, target: str) -> set[str]:
        """The other languages from which there is a route to that one."""
        return {code for code in self._languages() if code != target and self.find(code, target)}

    def targets(self, source: str) -> set[str]:
        """The other languages to which there is a route from that one."""
        return {code for code in self._languages() if code != source and self.find(source, code)}

    def _leg(self, source: str, target: str) -> Leg | None:
        return next((Leg(card, source, target) for card in self._cards if _translates(card, source, target)), None)

    def _languages(self) -> set[str]:
        return {code for card in self._cards for code in card.languages}


def _translates(card: ModelCard, source: str, target: str) -> bool:
    if card.pairs:
        return (source, target) in card.pairs
    return source != target and source in card.languages and target in card.languages
