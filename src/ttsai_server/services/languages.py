"""What can be done with each language on this machine."""

from dataclasses import dataclass

from ttsai_server.domain import Capability
from ttsai_server.engines.catalog import Catalog
from ttsai_server.services.availability import availability
from ttsai_server.services.translation import PIVOT, Routes
from ttsai_server.settings import Settings


@dataclass(frozen=True, slots=True)
class LanguageUse:
    code: str
    """ISO 639-1, where there is one."""
    speak: bool
    """Whether a model that is ready speaks it."""
    listen: bool
    """Whether a model that is ready writes it down."""
    translate_to: tuple[str, ...]
    """Codes of the languages in which a recording of it can be said, by models that are ready."""


def languages(settings: Settings, catalog: Catalog) -> list[LanguageUse]:
    """All languages that the models speak or write down, ready or not, by code. Blocking: a stat for each file."""
    speakers, listeners = catalog.cards(Capability.TTS), catalog.cards(Capability.STT)
    ready = {card.id for card in (*speakers, *listeners) if availability(card, settings.models).status == "ready"}
    spoken = {code for card in speakers if card.id in ready for code in card.languages}
    heard = {code for card in listeners if card.id in ready for code in card.languages}
    to_english = {code for card in listeners if card.id in ready and card.translates for code in card.languages}
    routes = Routes.of(settings, catalog, ready=True)

    def use(code: str) -> LanguageUse:
        targets = routes.targets(code) | ({PIVOT} if code in to_english - {PIVOT} else set[str]())
        return LanguageUse(
            code, code in spoken, code in heard, tuple(sorted(targets & spoken if code in heard else ()))
        )

    return [use(code) for code in sorted({code for card in (*speakers, *listeners) for code in card.languages})]
