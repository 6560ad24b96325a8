"""Whether the server can do its work."""

import asyncio
import logging
from contextlib import suppress

from ttsai_server.domain import ModelCard
from ttsai_server.runtime.base import Runtime
from ttsai_server.store.db import Database

logger = logging.getLogger(__name__)

WATCH_SECONDS = 1
"""How often it is looked whether a preloaded model has crashed."""


class Readiness:
    def __init__(self, runtime: Runtime, database: Database, preload: tuple[ModelCard, ...]) -> None:
        self._runtime = runtime
        self._database = database
        self._preload = preload
        self._loaded: set[str] = set()
        """Ids of models that have been loaded."""

    async def preload(self) -> None:
        """Load the models of `models.preload`, one after the other, and load one again that crashes.

        One that can't be loaded does not stop the rest. Runs until cancelled.
        """
        for card in self._preload:
            await self._load(card)
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            crashed = {state.id for state in self._runtime.states() if state.crashed}
            for card in self._preload:
                if card.id in crashed:
                    await self._load(card)

    async def _load(self, card: ModelCard) -> None:
        with suppress(Exception):  # the runtime has logged why
            async with self._runtime.lease(card):
                self._loaded.add(card.id)

    async def waiting_for(self) -> list[str]:
        """What stands in the way: `database`, or ids of models not loaded yet, or crashed; empty when ready.

        A model that has been unloaded since, because it was idle, does not: it is loaded when it is asked for.
        """
        states = self._runtime.states()
        self._loaded |= {state.id for state in states if state.loaded}
        crashed = {state.id for state in states if state.crashed}
        missing = [card.id for card in self._preload if card.id in crashed or card.id not in self._loaded]
        return missing if await self._database_answers() else ["database", *missing]

    async def _database_answers(self) -> bool:
        try:
            async with asyncio.timeout(2):
                await self._database.read(lambda connection: connection.exec_driver_sql("SELECT 1").scalar())
        except Exception:
            logger.exception("the database does not answer")
            return False
        return True
