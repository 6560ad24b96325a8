"""How what is heard in a recording gets to the language that is asked for."""

from collections.abc import Collection
from dataclasses import dataclass

from ttsai_server.domain import ModelCard
from ttsai_server.errors import BadRequest
from ttsai_server.services.translation.routes import PIVOT, Route, Routes
from ttsai_server.text.language import NAMES


@dataclass(frozen=True, slots=True)
class Destination:
    target: str
    """ISO 639-1 code."""
    listener: ModelCard
    """The model that hears the recording; it may translate to English itself."""
    ready: Routes
    """Of the models that can be used now."""
    known: Routes
    """Of all, also those whose weights are missing."""

    @property
    def heard_in_it(self) -> bool:
        """Whether the model that listens can write down everything in the target language."""
        return self.target == PIVOT and self.listener.translates

    def check(self, source: str | None) -> None:
        """Raises BadRequest if there is no route from that language; None: it will be found out.

        What will be heard may be in the target language already, but that is no translation.
        """
        if source is not None:
            self.route(source)
        elif not self.heard_in_it and not self.known.sources(self.target):
            raise self._impossible(PIVOT)

    def route(self, source: str) -> Route | None:
        """How a text gets there; None: the model that listens is to translate. Raises BadRequest if it can't."""
        route = self.ready.find(source, self.target)
        if route is None and not self.heard_in_it:
            route = self.known.find(source, self.target)
            if route is None:
                raise self._impossible(source)
        return route

    def _impossible(self, source: str) -> BadRequest:
        to = self.known.targets(source) | ({PIVOT} if self.listener.translates else set())
        of = self.known.sources(self.target) | (set(self.listener.languages) if self.heard_in_it else set())
        return BadRequest(
            f"{NAMES.get(source, source)} can't be translated to {NAMES[self.target]}. "
            f"From {source!r}: {_listed(to - {source})}. To {self.target!r}: {_listed(of - {self.target})}.",
            param="target_language",
        )


def _listed(codes: Collection[str]) -> str:
    return ", ".join(sorted(codes)) or "none"
