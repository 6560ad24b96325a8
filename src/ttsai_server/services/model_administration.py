"""What administrators do with the models of a running server: see how they are, load, unload, pull, install."""

import asyncio
from dataclasses import dataclass

from ttsai_server.domain import ModelCard
from ttsai_server.engines.catalog import Catalog
from ttsai_server.runtime.base import ModelState, Runtime
from ttsai_server.services.availability import listed, meant
from ttsai_server.services.model_facts import ModelFacts, all_facts
from ttsai_server.services.model_tasks import Action, ModelTask, ModelTasks
from ttsai_server.settings import Settings
from ttsai_server.store.audit import AuditLog


@dataclass(frozen=True, slots=True)
class ModelStatus:
    facts: ModelFacts
    state: ModelState | None
    """In this server's memory; None: it has not been used since the start."""
    task: ModelTask | None
    """The last pull or installation since the start."""


class ModelAdministration:
    """`by`, of each change: as in `administration`. `model`: an id, an alias, or the name of a family."""

    def __init__(self, settings: Settings, catalog: Catalog, runtime: Runtime, audit: AuditLog) -> None:
        self.tasks = ModelTasks(settings, audit)
        self._settings = settings
        self._catalog = catalog
        self._runtime = runtime
        self._audit = audit

    async def statuses(self) -> list[ModelStatus]:
        """As `ttsai-server models list` has them: of a family of voices only those that are here."""
        facts = await asyncio.to_thread(self._facts)
        states = {state.id: state for state in self._runtime.states()}
        tasks = {task.model: task for task in self.tasks.recent()}
        return [ModelStatus(found, states.get(id), tasks.get(id)) for id, found in facts.items()]

    async def load(self, by: str, model: str) -> None:
        """Load it into memory, of every worker if there are some. Raises UnknownModel, and as `Runtime.load`."""
        for card in await self._meant(model):
            before = self._is_loaded(card)
            await self._runtime.load(card)
            await self._audit.record(by, "model.load", card.id, {"loaded": before}, {"loaded": True})

    async def unload(self, by: str, model: str) -> bool:
        """Free its memory, where nobody uses it. → False if it is in use wherever it is loaded. Raises UnknownModel."""
        cards = await self._meant(model)
        freed = [card for card in cards if await self._runtime.unload(card)]
        for card in freed:
            await self._audit.record(by, "model.unload", card.id, {"loaded": True}, {"loaded": False})
        return bool(freed)

    async def start(self, by: str, model: str, action: Action) -> list[ModelTask]:
        """Pull its weights, or make its environment: a task for each card that is meant. Raises UnknownModel."""
        return [await self.tasks.start(by, card, action) for card in await self._meant(model)]

    def _facts(self) -> dict[str, ModelFacts]:
        return all_facts(self._settings, {card.id: [card] for card in listed(self._catalog, self._settings.models)})

    async def _meant(self, model: str) -> list[ModelCard]:
        return await asyncio.to_thread(meant, self._catalog.family(model), self._settings.models)

    def _is_loaded(self, card: ModelCard) -> bool:
        return any(state.loaded for state in self._runtime.states() if state.id == card.id)
