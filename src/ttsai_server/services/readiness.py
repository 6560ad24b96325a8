"""Whether the server can do its work."""

import asyncio
import logging
from pathlib import Path
from tempfile import TemporaryFile
from time import monotonic

from ttsai_server.domain import ModelCard
from ttsai_server.errors import ModelLoading
from ttsai_server.runtime.base import Runtime
from ttsai_server.store.db import Database

logger = logging.getLogger(__name__)

WATCH_SECONDS = 1
"""Between two looks at whether a preloaded model is missing, or has crashed."""
RETRY_SECONDS = 30
"""Between two tries to load a model that can't be loaded; the others do not wait for it."""


class Readiness:
    def __init__(self, runtime: Runtime, database: Database, data_dir: Path, preload: tuple[ModelCard, ...]) -> None:
        self._runtime = runtime
        self._database = database
        self._data_dir = data_dir
        self._preload = preload
        self._loaded: set[str] = set()
        """Ids of models that have been loaded."""

    async def preload(self) -> None:
        """Load the models of `models.preload`, one after the other; again what could not be loaded, or crashes.

        One that can't be loaded does not stop the rest. Runs until cancelled.
        """
        retry_at = dict.fromkeys((card.id for card in self._preload), 0.0)
        while True:
            for card in self._missing():
                if monotonic() >= retry_at[card.id]:
                    retry_at[card.id] = monotonic() + await self._load(card)
            await asyncio.sleep(WATCH_SECONDS)

    async def _load(self, card: ModelCard) -> float:
        """→ seconds before it is of use to try again, if that failed."""
        try:
            async with self._runtime.lease(card):
                self._loaded.add(card.id)
        except ModelLoading as error:  # it takes long, has crashed and has to wait, or no worker is there yet
            return error.retry_after
        except Exception:  # the runtime has logged why
            return RETRY_SECONDS
        return 0

    def _missing(self) -> list[ModelCard]:
        """The models that have not been loaded yet, or have crashed."""
        states = self._runtime.states()
        self._loaded |= {state.id for state in states if state.loaded}
        crashed = {state.id for state in states if state.crashed}
        return [card for card in self._preload if card.id in crashed or card.id not in self._loaded]

    async def waiting_for(self) -> list[str]:
        """What stands in the way: `database`, `data_dir` with the reason, ids of models not loaded yet, or crashed.

        Empty when ready.

        A model that has been unloaded since, because it was idle, does not: it is loaded when it is asked for.
        """
        missing = [card.id for card in self._missing()]
        database = [] if await self._database_answers() else ["database"]
        return [*database, *await asyncio.to_thread(_unwritable, self._data_dir), *missing]

    async def _database_answers(self) -> bool:
        try:
            async with asyncio.timeout(2):
                await self._database.read(lambda connection: connection.exec_driver_sql("SELECT 1").scalar())
        except Exception:
            logger.exception("the database does not answer")
            return False
        return True


def _unwritable(folder: Path) -> list[str]:
    """`data_dir` with the reason, if no file can be written there."""
    try:
        with TemporaryFile(dir=folder) as file:
            file.write(b"1")
    except OSError as error:
        return [f"data_dir: {error.strerror}"]
    return []
