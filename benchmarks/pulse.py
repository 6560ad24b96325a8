"""Polls /health/live from a process of its own, so that nothing that the benchmark does delays it.

Run by `benchmarks.fairness`: polls until standard input is closed, then writes one JSON object.
"""

import http.client
import json
import select
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from urllib.parse import urlsplit

EVERY_SECONDS = 0.05


@dataclass
class Pulse:
    waits_ms: list[float] = field(default_factory=list[float])
    """How long each answer took."""
    late_ms: list[float] = field(default_factory=list[float])
    """How late the poller itself woke each time: what the machine adds to any process."""


@contextmanager
def polling(url: str) -> Generator[Pulse]:
    """Poll while inside; the pulse is filled when the block ends."""
    command = [sys.executable, "-m", "benchmarks.pulse", urlsplit(url).netloc]
    pulse = Pulse()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield pulse
        finally:
            told = json.loads(process.communicate()[0])
            pulse.waits_ms, pulse.late_ms = told["waits_ms"], told["late_ms"]


def _poll(address: str) -> Pulse:
    pulse, connection = Pulse(), http.client.HTTPConnection(address, timeout=60)
    due = perf_counter()
    while not select.select([sys.stdin], [], [], max(0.0, due - perf_counter()))[0]:
        woke = perf_counter()
        pulse.late_ms.append((woke - due) * 1e3)
        connection.request("GET", "/health/live")
        connection.getresponse().read()
        pulse.waits_ms.append((perf_counter() - woke) * 1e3)
        due = max(due + EVERY_SECONDS, perf_counter())
    return pulse


if __name__ == "__main__":
    told = _poll(sys.argv[1])
    json.dump({"waits_ms": told.waits_ms, "late_ms": told.late_ms}, sys.stdout)
