"""Costs of a job compared with a request: time until it is done, jobs accepted per second, CPU of an idle server."""

import sqlite3
import time
from contextlib import closing
from statistics import quantiles

import httpx

from benchmarks.bench import Bench, middle
from benchmarks.load import Load, generate
from benchmarks.processes import cpu_seconds
from benchmarks.report import Figure
from benchmarks.servers import Running, ours

MOST_SECONDS = 0.150
LEAST_ACCEPTED = 100
MOST_CPU_MS = 10.0
CONCURRENT = 4
"""The default of `jobs.concurrent`."""
JOBS = 40
"""Timed one after another, in each round."""
IDLE_SECONDS = 10
ACCEPT_SECONDS = 2
ORDER = {"model": "tone", "voice": "tone_a", "text": "Hello from your own speech server.", "language": "en"}


def run(bench: Bench) -> list[Figure]:
    with ours("tone") as server:
        idle = _idle(server)
        _times(server)
        times = [seconds for _ in range(bench.rounds) for seconds in _times(server)]
        loads = [_accepted(server) for _ in range(bench.rounds)]
        accepted, waiting = middle([load.per_second for load in loads]), _waiting(server)
        done, cost = _drained(server, waiting)
        request = _request_cost(server)
    p95 = quantiles(times, n=20)[-1]
    return [
        Figure("job, submitted → completed", middle(times), "s", most=MOST_SECONDS, note=f"p50; p95 {p95:.3f}"),
        Figure("jobs accepted, SQLite", accepted, "jobs/s", least=LEAST_ACCEPTED, note="16 connections"),
        Figure("jobs done", done, "jobs/s", note=f"the {waiting} that waited then"),
        Figure("a job done, cost", cost, "CPU-ms", note=f"the same as a request: {request:.1f}"),
        Figure("a job done, beside its work", cost - request, "CPU-ms", most=MOST_CPU_MS),
        Figure("looking for jobs, idle", idle, "% of a core"),
    ]


def _idle(server: Running) -> float:
    time.sleep(2)
    before = cpu_seconds(server.pid)
    time.sleep(IDLE_SECONDS)
    return (cpu_seconds(server.pid) - before) / IDLE_SECONDS * 100


def _times(server: Running) -> list[float]:
    """Seconds from the order until the job is completed, polled every 5 ms."""
    times: list[float] = []
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.key}"}, timeout=60) as client:
        for _ in range(JOBS):
            began = time.perf_counter()
            uuid = client.post("/api/v1/tts/", json=ORDER).raise_for_status().json()["uuid"]
            while client.get("/v1/speech/results/", params={"uuid": uuid}).json()["status"] != "completed":
                time.sleep(0.005)
            times.append(time.perf_counter() - began)
    return times


def _accepted(server: Running) -> Load:
    load = generate(server.url, "/api/v1/tts/", server.key, ORDER, seconds=ACCEPT_SECONDS)
    if load.failed:
        raise RuntimeError(f"{load.failed} of {load.requests} jobs were not accepted")
    return load


def _drained(server: Running, waiting: int) -> tuple[float, float]:
    """Jobs done per second, and CPU-milliseconds per job."""
    before, began = cpu_seconds(server.pid), time.perf_counter()
    while _waiting(server):
        time.sleep(0.2)
    return waiting / (time.perf_counter() - began), (cpu_seconds(server.pid) - before) / waiting * 1000


def _request_cost(server: Running) -> float:
    """CPU-milliseconds per request for the same work, with the same concurrency as jobs."""
    before = cpu_seconds(server.pid)
    load = generate(server.url, "/v1/tts/", server.key, ORDER, connections=CONCURRENT, seconds=ACCEPT_SECONDS)
    return (cpu_seconds(server.pid) - before) / load.requests * 1000


def _waiting(server: Running) -> int:
    with closing(sqlite3.connect(server.data_dir / "ttsai.db")) as database:
        return database.execute("SELECT count(*) FROM tasks WHERE ended_at IS NULL").fetchone()[0]
