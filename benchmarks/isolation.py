"""Costs of running a model in a child process: time and CPU per step, and memory left in the server's process."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench, middle
from benchmarks.processes import cpu_seconds
from benchmarks.report import Figure
from benchmarks.servers import ours
from ttsai_server.domain import ModelCard, Preset, SpeechRequest
from ttsai_server.engines.catalog import Catalog
from ttsai_server.runtime.base import LoadedModel
from ttsai_server.runtime.children import Child
from ttsai_server.runtime.in_process import InProcess
from ttsai_server.runtime.loading import load
from ttsai_server.settings import Settings

REQUEST = SpeechRequest("Two and a half seconds of sound, all in one step.", (Preset("tone_a"),), "en")
STEPS = 200
LOADS = 40
MOST_STEP_MS = 5.0
MOST_SERVER_MB = 180.0
MOST_GROWTH = 5.0

Start = Callable[[ModelCard], Awaitable[LoadedModel]]


def run(bench: Bench) -> list[Figure]:
    return [*asyncio.run(_steps()), _server(bench), asyncio.run(_growth())]


async def _in_process(card: ModelCard) -> LoadedModel:
    return await InProcess.start(card, 1, partial(load, models=Settings().models))


async def _in_child(card: ModelCard) -> LoadedModel:
    return await Child.start(card, Settings())


def _tone() -> ModelCard:
    return Catalog.read(Settings().models.cards, demo=True).models["tone"]


async def _steps() -> list[Figure]:
    """The same steps both ways, in turn."""
    ways: dict[str, Start] = {"in the server": _in_process, "in a process of its own": _in_child}
    models = {name: await start(_tone()) for name, start in ways.items()}
    took: dict[str, list[float]] = {name: [] for name in ways}
    cost = dict.fromkeys(ways, 0.0)
    for _ in range(STEPS):
        for name, model in models.items():
            before, began = cpu_seconds(os.getpid()), time.perf_counter()
            async with model.steps("synthesize", (REQUEST,)) as next_step:
                await next_step()
            took[name].append(1000 * (time.perf_counter() - began))
            cost[name] += 1000 * (cpu_seconds(os.getpid()) - before) / STEPS
    for model in models.values():
        await model.close()
    here, there = (middle(took[name]) for name in ways)
    return [
        *(Figure(f"one step {name}", middle(took[name]), "ms") for name in ways),
        Figure("a process of its own adds", there - here, "ms", most=MOST_STEP_MS),
        *(Figure(f"one step {name}, processors", cost[name], "ms") for name in ways),
    ]


def _server(bench: Bench) -> Figure:
    with ours(bench.model) as server:
        return Figure("server, model loaded beside it", _resident_mb(server.pid), "MB", most=MOST_SERVER_MB)


async def _growth() -> Figure:
    """Growth of the server's process over loads and unloads of a model without weights."""
    card = replace(_tone(), id="loaded-and-unloaded")
    for _ in range(5):
        await (await _in_child(card)).close()
    before = _resident_mb(os.getpid())
    for _ in range(LOADS):
        await (await _in_child(card)).close()
    growth = 100 * (_resident_mb(os.getpid()) / before - 1)
    return Figure(f"server's growth by {LOADS} loads and unloads", growth, "%", most=MOST_GROWTH)


def _resident_mb(pid: int) -> float:
    """Resident memory of the process without its children, MB (10⁶ bytes)."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024 / 1e6
