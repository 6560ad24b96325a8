"""Mixed load for minutes: checks that nothing grows. All processes of the server count, including the models'.

Growth is the median of the last fifth of the time over that of the second; the first fifth warms the server up.
"""

import random
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx

from benchmarks.bench import Bench, middle
from benchmarks.client import TIMEOUT_SECONDS, speak
from benchmarks.processes import open_files, process_count, resident_mb, settled_cpu_seconds, thread_count
from benchmarks.report import Figure
from benchmarks.servers import Running, ours
from benchmarks.texts import prose

CLIENTS = 2
EVERY_SECONDS = 2.0
"""Between two looks at the processes."""
PARTS = 5
MOST_GROWTH = 2.0
MOST_MORE = 2.0
"""Descriptors and threads more than before, at rest: pools fill as they are used."""
LEAVE_AFTER_BYTES = 60_000
"""Of a WAV: 1.2 s."""


@dataclass(frozen=True, slots=True)
class Sample:
    resident_mb: float
    open_files: float
    threads: float
    processes: float


def run(bench: Bench) -> list[Figure]:
    with ours(bench.model) as server:
        until = time.monotonic() + 60 * bench.minutes
        with ThreadPoolExecutor(CLIENTS) as clients:
            working = [clients.submit(_client, bench, server, seed, until) for seed in range(CLIENTS)]
            samples = _watch(server, working)
        requests = sum(work.result() for work in working)
        _wait_for_jobs(server)
        settled_cpu_seconds(server.pid)
        return [*_figures(samples, requests), *_left_open(server)]


def _watch(server: Running, working: Sequence[Future[int]]) -> list[Sample]:
    """Until a client has ended: all do when the time is over, one that was refused does at once."""
    samples: list[Sample] = []
    while not any(work.done() for work in working):
        time.sleep(EVERY_SECONDS)
        pid = server.pid
        samples.append(Sample(resident_mb(pid), open_files(pid), thread_count(pid), process_count(pid)))
    return samples


def _client(bench: Bench, server: Running, seed: int, until: float) -> int:
    """Ask for one thing after the other, whatever chance says. → how many requests. Raises if one fails."""
    chance = random.Random(seed)
    headers = {"Authorization": f"Bearer {server.key}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=TIMEOUT_SECONDS) as client:
        for requests in count():
            if time.monotonic() >= until:
                return requests
            order = bench.order(prose(chance.randint(20, 400), chance.randint(0, 5)), format=chance.choice(FORMATS))
            chance.choice(ACTIONS)(server, client, order)
    raise AssertionError("unreachable")


def _speak(server: Running, client: httpx.Client, order: Mapping[str, object]) -> None:
    _ok(client.post("/v1/tts/", json=order))


def _leave(server: Running, client: httpx.Client, order: Mapping[str, object]) -> None:
    body = {**order, "format": "wav", "stream": True}
    speak(server.url, "/v1/tts/", server.key, body, leave_after=LEAVE_AFTER_BYTES)


def _job(server: Running, client: httpx.Client, order: Mapping[str, object]) -> None:
    _ok(client.post("/api/v1/tts/", json=order))


def _convert(server: Running, client: httpx.Client, order: Mapping[str, object]) -> None:
    sound = _ok(client.post("/v1/tts/", json=order)).content
    _ok(client.post("/v1/audio/convert/", files={"file": sound}, data={"format": "flac"}))


def _fail(server: Running, client: httpx.Client, order: Mapping[str, object]) -> None:
    answer = client.post("/v1/audio/convert/", files={"file": b"no sound" * 1000}, data={"format": "wav"})
    if answer.status_code != 400:
        raise RuntimeError(f"a file that is no sound: {answer.status_code}")


def _look(server: Running, client: httpx.Client, order: Mapping[str, object]) -> None:
    for path in ("/v1/models/", "/v1/voices/", "/v1/account/", "/health/ready", "/metrics"):
        _ok(client.get(path))


def _ok(answer: httpx.Response) -> httpx.Response:
    """Raises RuntimeError, with the server's words, for an error."""
    if answer.is_error:
        raise RuntimeError(f"{answer.url}: {answer.status_code} {answer.text[:500]}")
    return answer


FORMATS = ("mp3", "wav", "flac", "ogg")
ACTIONS: Sequence[Callable[[Running, httpx.Client, Mapping[str, object]], None]] = (
    _speak,
    _leave,
    _job,
    _convert,
    _fail,
    _look,
)


def _wait_for_jobs(server: Running) -> None:
    while _count(server, "tasks WHERE ended_at IS NULL"):
        time.sleep(0.5)


def _figures(samples: Sequence[Sample], requests: int) -> list[Figure]:
    size = max(1, len(samples) // PARTS)
    early, late = samples[size : 2 * size], samples[-size:]

    def typical(part: Sequence[Sample], of: Callable[[Sample], float]) -> float:
        return middle([of(sample) for sample in part])

    before, after = (typical(part, lambda sample: sample.resident_mb) for part in (early, late))
    figures = [
        Figure("requests", requests, ""),
        Figure("resident, all processes", after, "MB", note=f"{before:.0f} in the second fifth"),
        Figure("resident, growth", 100 * (after / before - 1), "%", most=MOST_GROWTH),
    ]
    for name in ("open_files", "threads", "processes"):
        more = typical(late, lambda sample, of=name: getattr(sample, of))
        more -= typical(early, lambda sample, of=name: getattr(sample, of))
        figures.append(Figure(f"{name.replace('_', ' ')}, more than before", more, "", most=MOST_MORE))
    return figures


def _left_open(server: Running) -> list[Figure]:
    """What should be nothing once all is quiet."""
    return [
        Figure("reservations left open", _count(server, "reservations WHERE state = 'open'"), "", most=0),
        Figure("jobs left open", _count(server, "tasks WHERE ended_at IS NULL"), "", most=0),
        Figure("files in the data folder", sum(1 for _ in Path(server.data_dir).rglob("*")), ""),
    ]


def _count(server: Running, what: str) -> int:
    with closing(sqlite3.connect(server.data_dir / "ttsai.db")) as database:
        return database.execute(f"SELECT count(*) FROM {what}").fetchone()[0]
