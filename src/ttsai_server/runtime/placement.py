"""Decides where a model runs: in the server's process or in a child, with its own Python environment or a GPU."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import Engine
from ttsai_server.engines.environments import interpreter
from ttsai_server.engines.weights import missing_files, pull
from ttsai_server.runtime.base import LoadedModel
from ttsai_server.runtime.children import Child
from ttsai_server.runtime.gpus import Placement
from ttsai_server.runtime.in_process import InProcess
from ttsai_server.runtime.loading import check, device, load, steps
from ttsai_server.settings import Models, Settings


def starter(settings: Settings, placement: Placement | None = None) -> Callable[[ModelCard], Awaitable[LoadedModel]]:
    """Return a function that loads a card's model in the right place on this machine.

    placement: the GPUs; None: those of this machine. The function raises PackagesMissing, WeightsMissing, PullFailed,
    NoRoom, ModelCrashed, or what the engine's `load` raises.
    """
    models = settings.models
    placement = placement or Placement(models.gpu_memory_mb)

    async def start(card: ModelCard) -> LoadedModel:
        engine = await asyncio.to_thread(check, card, models)
        if card.environment:
            if missing_files(card, models.dir):  # the packages that download them are not in the environment
                await asyncio.to_thread(pull, card, models.dir)
            child = partial(Child.start, card, settings, str(interpreter(card, models.dir)), models.load_seconds)
        elif engine.native and models.processes:
            downloads = missing_files(card, models.dir)  # in the child, for as long as it takes
            child = partial(Child.start, card, settings, longest=None if downloads else models.load_seconds)
        else:
            return await InProcess.start(card, steps(card, models), partial(load, models=models))
        if _by_gpu(card, engine, models):
            return await placement.place(card, lambda gpu: child(gpu=gpu))
        return await child()

    return start


def _by_gpu(card: ModelCard, engine: type[Engine], models: Models) -> bool:
    """Whether the model runs on a GPU. One with an environment may: its packages can't be looked at from here."""
    wanted = device(models)
    return wanted == "cuda" and (card.environment is not None or engine.device(wanted) == wanted)
