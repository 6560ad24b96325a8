"""Whether the server can do its work."""

import asyncio
import logging
from contextlib import suppress

from ttsai_server.domain import ModelCard
from ttsai_server.runtime.base import Runtime
from ttsai_server.store.db import Database

logger = logging.getLogger(__name__)


class Readiness:
    def __init__(self, runtime: Runtime, database: Database, preload: tuple[ModelCard, ...]) -> None:
        self._runtime = runtime
        self._database = database
        self._preload = preload

    async def preload(self) -> None:
        """Load the models of `models.preload`, one after the other. One that can't be loaded does not stop the rest."""
        for card in self._preload:
            with suppress(Exception):  # the runtime has logged why
                async with self._runtime.lease(card):
                    pass

    async def waiting_for(self) -> list[str]:
        """What stands in the way: `database`, or ids of models not loaded yet; empty when ready."""
        loaded = {state.id for state in self._runtime.states() if state.loaded}
        missing = [card.id for card in self._preload if card.id not in loaded]
        return missing if await self._database_answers() else ["database", *missing]

    async def _database_answers(self) -> bool:
        try:
            async with asyncio.timeout(2):
                await self._database.read(lambda connection: connection.exec_driver_sql("SELECT 1").scalar())
        except Exception:
            logger.exception("the database does not answer")
            return False
        return True
