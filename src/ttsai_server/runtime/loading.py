"""Loads the engine that a model card names."""

import os
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import Engine, LoadContext
from ttsai_server.engines.catalog import load_class
from ttsai_server.engines.installation import require_installed
from ttsai_server.engines.weights import missing_files, pull
from ttsai_server.errors import WeightsMissing
from ttsai_server.settings import Models

MOST_THREADS = 8
"""Of one step. More gain nothing: the layers of a small model are too small to split further."""


def check(card: ModelCard, models: Models) -> type[Engine]:
    """The card's engine class, once its packages and weights are known to be present (or may be pulled).

    Raises PackagesMissing or WeightsMissing.
    """
    require_installed(card, models.dir)
    if not models.auto_pull and missing_files(card, models.dir):
        raise WeightsMissing(card.id)
    return load_class(card)


def load(card: ModelCard, models: Models) -> Engine:
    """Pull the weights if allowed and necessary, load the engine and warm it up. Blocking.

    Raises as `check`, PullFailed, or what the engine's `load` raises.
    """
    kind = check(card, models)
    if missing_files(card, models.dir):
        pull(card, models.dir)
    card = configured(card, models)
    engine = kind.load(card, place(card, models))
    engine.warm_up(card)
    return engine


def configured(card: ModelCard, models: Models) -> ModelCard:
    """The card with the `setup` that its engine is loaded with: its own, overridden by `models.options`."""
    options = {**models.options.get(card.family, {}), **models.options.get(card.id, {})}
    return replace(card, setup={**card.setup, **options})


def place(card: ModelCard, models: Models) -> LoadContext:
    threads = _threads(models) if card.concurrency else 1
    return LoadContext(weights=models.dir / card.id, device=device(models), threads=threads, steps=steps(card, models))


def steps(card: ModelCard, models: Models) -> int:
    """How many steps of a model may run at the same time; those of `models.workers` decide for themselves."""
    if models.workers:
        return card.queue
    kind = load_class(card)
    try:
        together = kind.batch(configured(card, models), kind.device(device(models)))
    except ValidationError:  # `load` fails with it too, with a message
        together = 0
    return together or card.concurrency or _threads(models)


def _threads(models: Models) -> int:
    return models.threads or min(os.cpu_count() or 1, MOST_THREADS)


def device(models: Models) -> str:
    """The device, cpu or cuda: the setting, or for `auto` cuda if there is an NVIDIA driver (found without torch)."""
    if models.device != "auto":
        return models.device
    return "cuda" if Path("/proc/driver/nvidia/version").exists() else "cpu"
