"""How the throughput of a model on a Ray cluster grows with its replicas: an engine that only waits, on two nodes."""

import asyncio
import time
from dataclasses import replace

from tests.runtime.ray_cluster import cluster_of, running
from tests.runtime.waiting import REQUEST, waiting

from benchmarks.bench import Bench
from benchmarks.report import Figure
from ttsai_server.engines.base import Synthesizer
from ttsai_server.runtime.base import EngineHandle
from ttsai_server.runtime.placement import starter
from ttsai_server.runtime.pool import Pool
from ttsai_server.runtime.ray import RayRuntime
from ttsai_server.settings import Models, Ray, Replicas, Settings

COUNTS = (1, 2, 4)
"""Replicas."""
STEP_SECONDS = 0.5
RUNS = 24
"""Of one replica."""
CLIENTS = 4
"""For each replica: as many runs are under way or wait."""
LEAST = 0.9
"""Of what as many single replicas would do."""


def run(bench: Bench) -> list[Figure]:
    with cluster_of(nodes=2) as cluster:
        throughputs = {count: asyncio.run(_throughput(cluster.address, count)) for count in COUNTS}
    return [
        Figure(f"{count} replica(s)", rate, "runs/s", least=LEAST * count * throughputs[1] if count > 1 else None)
        for count, rate in throughputs.items()
    ]


async def _throughput(address: str, count: int) -> float:
    """Runs a second."""
    card = waiting(f"waiting-{count}", seconds=STEP_SECONDS)
    replicas = Replicas(cpus=0.5, least=count, most=count, runs=CLIENTS)
    settings = Settings(models=Models(demo=True, load_wait_seconds=600), ray=Ray(address=address, replicas=replicas))
    runtime = RayRuntime(settings, Pool(settings.models, starter(settings)))
    try:
        async with runtime.lease(replace(card, queue=1000)) as handle:
            while await asyncio.to_thread(running, card) < count:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.2)
            await _work(handle, count, 2 * CLIENTS)
            began = time.monotonic()
            await _work(handle, count, RUNS)
            return RUNS * count / (time.monotonic() - began)
    finally:
        await runtime.close()


async def _work(handle: EngineHandle, replicas: int, runs: int) -> None:
    """So many runs for each replica, by CLIENTS for each."""
    left = iter(range(runs * replicas))

    async def client() -> None:
        for _ in left:
            async for _ in handle.run(Synthesizer.synthesize, REQUEST):
                pass

    await asyncio.gather(*(client() for _ in range(CLIENTS * replicas)))
