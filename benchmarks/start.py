"""Costs of a start: the import, the time to `/health/live`, and memory before a model is loaded."""

import os
import subprocess
import sys
from time import sleep

from benchmarks.bench import Bench, middle
from benchmarks.processes import resident_mb
from benchmarks.report import Figure
from benchmarks.servers import ours

MOST_IMPORT_SECONDS = 1.0
MOST_START_SECONDS = 3.0
MOST_RESIDENT_MB = 180.0


def run(bench: Bench) -> list[Figure]:
    rounds = [(_import("ttsai_server.app"), _import("sys"), *_start()) for _ in range(bench.rounds)]
    imported, bare, started, resident = (middle(each) for each in zip(*rounds, strict=True))
    note = f"of them {bare:.2f} are Python's own"
    return [
        Figure("import ttsai_server.app", imported, "CPU-s", most=MOST_IMPORT_SECONDS, note=note),
        Figure("start to /health/live", started, "s", most=MOST_START_SECONDS),
        Figure("resident before a model is loaded", resident, "MB", most=MOST_RESIDENT_MB),
    ]


def _import(module: str) -> float:
    before = os.times()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def _start() -> tuple[float, float]:
    with ours() as server:
        sleep(1)
        return server.ready_after, resident_mb(server.pid)
