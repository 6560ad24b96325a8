"""Decides where a model runs: in a child process, perhaps with its own Python environment, or in the server's."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from ttsai_server.domain import ModelCard
from ttsai_server.engines.environments import interpreter
from ttsai_server.engines.weights import missing_files, pull
from ttsai_server.runtime.base import LoadedModel
from ttsai_server.runtime.children import Child
from ttsai_server.runtime.in_process import InProcess
from ttsai_server.runtime.loading import check, load, steps
from ttsai_server.settings import Settings


def starter(settings: Settings) -> Callable[[ModelCard], Awaitable[LoadedModel]]:
    """Return a function that loads a card's model in the right place on this machine.

    It raises PackagesMissing, WeightsMissing, PullFailed, ModelCrashed, or what the engine's `load` raises.
    """
    models = settings.models

    async def start(card: ModelCard) -> LoadedModel:
        engine = await asyncio.to_thread(check, card, models)
        if card.environment:
            if missing_files(card, models.dir):  # the packages that download them are not in the environment
                await asyncio.to_thread(pull, card, models.dir)
            return await Child.start(card, settings, str(interpreter(card, models.dir)), models.load_seconds)
        if engine.native and models.processes:
            downloads = missing_files(card, models.dir)  # in the child, for as long as it takes
            return await Child.start(card, settings, longest=None if downloads else models.load_seconds)
        return await InProcess.start(card, steps(card, models), partial(load, models=models))

    return start
