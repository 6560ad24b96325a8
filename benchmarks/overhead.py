"""Overhead of a request: keys, limits, credits, the ledger. The model is the demo tone, whose cost is negligible."""

import sys
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.bench import Bench, middle
from benchmarks.load import Load, generate
from benchmarks.processes import cpu_seconds, running
from benchmarks.report import Figure
from benchmarks.servers import free_port, ours, wait

LEAST_TO_BARE = 0.5
MOST_CPU_MS = 8.0
LEAST_PER_SECOND = 150
TEXT = "Hello from your own speech server."
"""The 34 characters of the contract's example."""


@dataclass(frozen=True, slots=True)
class Measured:
    per_second: float
    cpu_ms: float
    """Of the server, for one request."""


def run(bench: Bench) -> list[Figure]:
    measured: dict[str, list[Measured]] = defaultdict(list)
    with ExitStack() as stack:
        server = stack.enter_context(ours("tone"))
        port = free_port()
        process = stack.enter_context(running([sys.executable, "-m", "benchmarks.bare", str(port)]))
        bare = f"http://127.0.0.1:{port}"
        wait(process, bare, "/v1/models/")
        order = {"model": "tone", "voice": "tone_a", "text": TEXT, "language": "en"}
        loads: dict[str, tuple[int, Callable[[], Load]]] = {
            "bare route": (process.pid, lambda: generate(bare, "/v1/models/")),
            "models": (server.pid, lambda: generate(server.url, "/v1/models/", server.key)),
            "tone as wav": (
                server.pid,
                lambda: generate(server.url, "/v1/tts/", server.key, {**order, "format": "wav"}),
            ),
            "tone as mp3": (
                server.pid,
                lambda: generate(server.url, "/v1/tts/", server.key, {**order, "format": "mp3"}),
            ),
        }
        for turn in range(bench.rounds + 1):
            for name, (pid, load) in loads.items():
                one = _measure(pid, load)
                if turn:
                    measured[name].append(one)
    return _figures(measured)


def _measure(pid: int, load: Callable[[], Load]) -> Measured:
    before = cpu_seconds(pid)
    done = load()
    if done.failed:
        raise RuntimeError(f"{done.failed} of {done.requests} requests failed")
    return Measured(done.per_second, (cpu_seconds(pid) - before) / done.requests * 1e3)


def _figures(measured: dict[str, list[Measured]]) -> list[Figure]:
    ratios = [a.per_second / b.per_second for a, b in zip(measured["models"], measured["bare route"], strict=True)]
    figures = [Figure("GET /v1/models/ : bare route", middle(ratios), "×", least=LEAST_TO_BARE, note="requests/s")]
    for name, rounds in measured.items():
        targets = (LEAST_PER_SECOND, MOST_CPU_MS) if name == "tone as wav" else (None, None)
        cpu, rate = middle([each.cpu_ms for each in rounds]), middle([each.per_second for each in rounds])
        figures.append(Figure(f"{name}, served", rate, "requests/s", least=targets[0], note="16 connections"))
        figures.append(Figure(f"{name}, cost", cpu, "CPU-ms/request", most=targets[1]))
    return figures
