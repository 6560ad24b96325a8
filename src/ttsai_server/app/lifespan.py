"""What runs from a server's start to its stop, beside the requests."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from ttsai_server.app.parts import Parts
from ttsai_server.jobs.claim_loop import RENEWALS
from ttsai_server.metrics import Metrics
from ttsai_server.runtime.gpus import gpus
from ttsai_server.store.db import DatabaseUnavailable
from ttsai_server.store.idempotency import Idempotency

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 60
GPU_SECONDS = 15
"""Between two measurements of the GPUs' memory."""


@asynccontextmanager
async def running(parts: Parts, announce: Callable[[str], None] | None) -> AsyncGenerator[None]:
    """Have the server run within the block; if a part fails as it starts or stops, the others stop nevertheless.

    announce: called once in a database's lifetime, with the key of the first account; None: no client is answered.
    """
    from ttsai_server.store.migrate import upgrade

    services = parts.services
    async with AsyncExitStack() as stop:  # in the opposite order
        stop.push_async_callback(asyncio.to_thread, parts.tracer.close)
        stop.callback(parts.node.close)
        stop.push_async_callback(parts.database.close)
        stop.push_async_callback(parts.context.billing.close)
        stop.push_async_callback(services.limiter.close)
        stop.callback(parts.context.sound.close)
        stop.push_async_callback(services.runtime.close)
        stop.push_async_callback(parts.context.chat.close)
        stop.callback(services.webhooks.close)
        await upgrade(services.settings)
        if announce and (key := await services.accounts.first_start()):
            announce(key)
        await parts.leases.expire_earlier()
        await services.webhooks.start()
        stop.push_async_callback(parts.worker.close)
        await parts.worker.start()
        stop.push_async_callback(services.model_administration.tasks.close)
        services.metrics.watch(services.runtime.states)
        await stop.enter_async_context(background(*_chores(parts)))
        yield


def _chores(parts: Parts) -> list[Coroutine[Any, Any, None]]:
    services = parts.services
    return [
        services.runtime.sweep(),
        services.readiness.preload(),
        _watch_gpus(services.metrics),
        _renew(parts),
        _clean_up(parts),
    ]


@asynccontextmanager
async def background(*chores: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Have them run beside the block; at its end they are cancelled."""
    tasks = [asyncio.create_task(chore) for chore in chores]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _watch_gpus(metrics: Metrics) -> None:
    """Measure the memory of the GPUs, until cancelled; returns if there are none."""
    while found := await asyncio.to_thread(gpus):
        for gpu in found:
            labels = str(gpu.index), gpu.name
            metrics.gpu_memory.labels(*labels).set(gpu.total_mb << 20)
            metrics.gpu_used.labels(*labels).set((gpu.total_mb - gpu.free_mb) << 20)
        await asyncio.sleep(GPU_SECONDS)


async def _renew(parts: Parts) -> None:
    """Renew the leases of requests, then return the credits of crashed servers; until cancelled."""
    while True:
        try:
            await parts.leases.renew()
            if count := await parts.ledger.release_expired():
                logger.warning("released %d reservations of requests that never ended", count)
        except DatabaseUnavailable as error:
            logger.warning("could not renew the leases of requests, trying again: %s", error)
        except Exception:
            logger.exception("could not renew the leases of requests; trying again")
        await asyncio.sleep(parts.lease_seconds / RENEWALS)


async def _clean_up(parts: Parts) -> None:
    """Delete what has expired, whichever part of it can't be; runs until cancelled."""
    services = parts.services
    chores = (
        partial(_expire, parts.answers),
        services.jobs.expire,
        services.results.expire,
        services.webhooks.purge,
        services.conversations.expire,
    )
    while True:
        for chore in chores:
            try:
                await chore()
            except Exception:
                logger.exception("could not clean up; trying again in %d s", SWEEP_SECONDS)
        await asyncio.sleep(SWEEP_SECONDS)


async def _expire(answers: Idempotency) -> None:
    for body in await answers.expire():
        await asyncio.to_thread(Path(body).unlink, missing_ok=True)
