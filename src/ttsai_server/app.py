"""Creates the ASGI application from the settings; the only place where the parts are wired together."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.routing import Route

from ttsai_server import __version__
from ttsai_server.api import (
    account,
    administration,
    catalog,
    cloning,
    conversion,
    errors,
    jobs,
    model_administration,
    operations,
    realtime,
    remote,
    results,
    saved_voices,
    speech,
    speech_translation,
    tools,
    transcription,
    voice_chat,
)
from ttsai_server.api.cors import Cors, PublishableKeyOrigins
from ttsai_server.api.deps import Services, head_routes
from ttsai_server.api.elevenlabs import catalog as elevenlabs_catalog
from ttsai_server.api.elevenlabs import speech as elevenlabs_speech
from ttsai_server.api.elevenlabs import stream_input
from ttsai_server.api.elevenlabs import transcription as elevenlabs_transcription
from ttsai_server.api.idempotency import IdempotencyMiddleware
from ttsai_server.api.listings import Listings
from ttsai_server.api.mcp import PATH as MCP_PATH
from ttsai_server.api.mcp import McpEndpoint
from ttsai_server.api.middleware import AuthMiddleware, BodySizeLimit, OpenAccess, RequestContext
from ttsai_server.api.uploads import MOST_FIELDS, MOST_FILES, body_limits
from ttsai_server.console.door import Console, ConsoleDoor, installed
from ttsai_server.domain import Caller
from ttsai_server.engines.catalog import Catalog
from ttsai_server.jobs.claim_loop import RENEWALS
from ttsai_server.jobs.node import Node
from ttsai_server.jobs.worker import Worker
from ttsai_server.metrics import Metrics
from ttsai_server.runtime.base import Runtime
from ttsai_server.runtime.gpus import gpus
from ttsai_server.runtime.placement import starter
from ttsai_server.runtime.pool import Pool
from ttsai_server.runtime.remote import RemoteModel, Workers
from ttsai_server.services.accounts import Accounts
from ttsai_server.services.administration import Administration
from ttsai_server.services.availability import meant
from ttsai_server.services.billing import open_billing
from ttsai_server.services.chat import ChatModels
from ttsai_server.services.client_secrets import ClientSecrets
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.conversations import Conversations
from ttsai_server.services.flow import Flow
from ttsai_server.services.job_files import JobFiles
from ttsai_server.services.job_runner import JobRunner
from ttsai_server.services.jobs import Jobs
from ttsai_server.services.limits import open_limiter
from ttsai_server.services.model_administration import ModelAdministration
from ttsai_server.services.previews import Previews
from ttsai_server.services.readiness import Readiness
from ttsai_server.services.reference_cache import ReferenceCache
from ttsai_server.services.registry import PLANNERS
from ttsai_server.services.saved_voices import SavedVoices
from ttsai_server.services.sound_work import SoundWork
from ttsai_server.services.trials import Start, Trials
from ttsai_server.services.voices import Voices
from ttsai_server.services.webhooks import SystemResolver, Webhooks
from ttsai_server.settings import Settings
from ttsai_server.store.audit import AuditLog
from ttsai_server.store.db import DatabaseUnavailable, open_database
from ttsai_server.store.idempotency import Idempotency
from ttsai_server.store.leases import Holder
from ttsai_server.store.ledger import Ledger
from ttsai_server.store.request_leases import RequestLeases
from ttsai_server.store.results import open_results
from ttsai_server.store.secret_box import SecretBox
from ttsai_server.tracing import open_tracer

logger = logging.getLogger(__name__)

LOCAL_CALLER = Caller(account="local", plan="enterprise", key="")
"""The caller of every request on a server without keys."""
SWEEP_SECONDS = 60
GPU_SECONDS = 15
"""Between two measurements of the GPUs' memory."""
NODES = "nodes"
"""What the secret is for by which the nodes of one database know each other."""


def create_app(
    settings: Settings,
    *,
    for_nodes: bool = False,
    admin_token: str = "",
    announce: Callable[[str], None] = lambda key: None,
) -> FastAPI:
    """Create the application.

    Args:
        settings: all settings.
        for_nodes: whether it is a worker: its models are for other nodes, and no client is answered.
        admin_token: bearer token of /v1/admin/, for the server's own command line; empty: it has none.
        announce: called once in a database's lifetime, with the key of the first account.

    Raises BadCard if a model card is invalid, NodeNameTaken if another server runs with this one's name.
    """
    metrics = Metrics()
    database = open_database(settings)
    catalogue = Catalog.of(settings)
    box = SecretBox(settings)
    runtime = _runtime(settings, box)
    node = Node.of(settings)
    holder = Holder.of(node.name, settings.jobs.dead_seconds)
    leases = RequestLeases(database, holder)
    answers = Idempotency(database, leases, settings.idempotency)
    accounts, limiter, billing = (
        Accounts(settings, database),
        open_limiter(settings),
        open_billing(settings, database, leases),
    )
    sound = SoundWork(settings)
    references, chat = ReferenceCache(), ChatModels(settings, catalogue, runtime)
    saved = SavedVoices(settings, database, catalogue, references, box)
    context = ServiceContext(
        settings=settings,
        catalog=catalogue,
        voices=Voices(catalogue, saved),
        runtime=runtime,
        billing=billing,
        metrics=metrics,
        sound=sound,
        references=references,
        saved_voices=saved,
        previews=Previews(LOCAL_CALLER, settings.data_dir / "previews"),
        chat=chat,
    )
    flow = Flow(context, PLANNERS)
    unbilled = flow.unbilled()
    store = open_results(settings, database)
    webhooks = Webhooks(settings.webhooks, database, box, SystemResolver())
    files = JobFiles(store, settings.jobs.hours * 3600)
    tracer = open_tracer(settings.tracing.endpoint, settings.tracing.share, settings.tracing.service)
    runner = JobRunner(database, files, unbilled, settings.jobs.attempts, tracer)
    worker = Worker(settings, database, node.name, runner, webhooks)
    preload = tuple(card for name in settings.models.preload for card in meant(catalogue.family(name), settings.models))
    services = Services(
        settings=settings,
        catalog=catalogue,
        voices=context.voices,
        listings=Listings(catalogue, settings),
        runtime=runtime,
        flow=flow,
        saved_voices=saved,
        accounts=accounts,
        administration=Administration(settings, database, accounts),
        model_administration=ModelAdministration(settings, catalogue, runtime, AuditLog(database)),
        client_secrets=ClientSecrets(accounts, box),
        limiter=limiter,
        webhooks=webhooks,
        results=store,
        jobs=Jobs(settings, database, worker, files, unbilled, webhooks),
        conversations=Conversations(settings, database, store, answers),
        readiness=Readiness(runtime, database, settings.data_dir, preload),
        metrics=metrics,
        node_token=box.derived(NODES) if for_nodes else "",
    )

    everyone = None if settings.auth.enabled else replace(LOCAL_CALLER, admin=True)
    with_console = settings.console.enabled and installed() and not for_nodes
    console = Console(services, everyone) if with_console else None
    mcp = McpEndpoint(services)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        from ttsai_server.store.migrate import upgrade

        await upgrade(settings)
        if not for_nodes and (key := await accounts.first_start()):
            announce(key)
        await leases.expire_earlier()
        await webhooks.start()
        await worker.start()
        metrics.watch(runtime.states)
        renewal = _renew(leases, Ledger(database), holder.seconds / RENEWALS)
        chores = [
            runtime.sweep(),
            _watch_gpus(metrics),
            services.readiness.preload(),
            renewal,
            _clean_up(answers, services),
            mcp.run(),
        ]
        jobs = [asyncio.create_task(chore) for chore in chores]
        async with AsyncExitStack() as pages:
            if console:
                await pages.enter_async_context(console.opened())
            yield
        await _stop(jobs)
        await services.model_administration.tasks.close()
        await worker.close()
        webhooks.close()
        await chat.close()
        await runtime.close()
        sound.close()
        await limiter.close()
        await billing.close()
        await database.close()
        node.close()
        await asyncio.to_thread(tracer.close)

    app = FastAPIOffline(
        redoc_url=None,  # its page would load a logo from the web
        title="ttsai-server",
        version=__version__,
        summary="A self-hosted speech server with the TTS.ai REST API",
        lifespan=lifespan,
        redirect_slashes=False,
        form_limits={"max_files": MOST_FILES, "max_fields": MOST_FIELDS},
    )
    app.state.services = services
    errors.install(app)
    keyed = (
        catalog.light,
        catalog.keyed,
        speech.router,
        transcription.router,
        tools.router,
        voice_chat.router,
        speech_translation.router,
        jobs.router,
        cloning.router,
        conversion.router,
        saved_voices.router,
        account.router,
        administration.router,
        model_administration.router,
        realtime.router,
        elevenlabs_catalog.router,
        elevenlabs_speech.router,
        elevenlabs_transcription.router,
        stream_input.router,
    )
    if for_nodes:
        routers = (remote.router, operations.router, model_administration.router)
    else:
        routers = (*keyed, catalog.open_, results.router, operations.router)
        app.router.routes.append(Route(MCP_PATH, mcp, include_in_schema=False))
    # not include_router: its indirection costs every request 10 µs, and 5 µs for each router before its own
    app.router.routes.extend(route for router in routers for route in router.routes)
    app.router.routes.extend(head_routes(tuple(app.router.routes)))
    if for_nodes:
        app.add_middleware(OpenAccess, local_caller=LOCAL_CALLER, admin_token=admin_token)
    else:
        _guard(app, services, answers, admin_token)
    app.add_middleware(RequestContext, metrics=metrics, tracer=tracer)
    app.add_middleware(Cors)
    if console:
        app.add_middleware(ConsoleDoor, console=console)
    return app


def _starter(settings: Settings, box: SecretBox) -> Start:
    """The function that loads models: on the workers, or on this machine."""
    if settings.models.workers:
        return partial(RemoteModel.start, workers=Workers(settings.models, box.derived(NODES)))
    return Trials(settings).watching(starter(settings))


def _guard(app: FastAPI, services: Services, answers: Idempotency, admin_token: str) -> None:
    """Add what stands between the clients and the routes: keys and limits, and answers given once."""
    settings, accounts = services.settings, services.accounts
    app.add_middleware(IdempotencyMiddleware, store=answers, folder=settings.data_dir / "answers", settings=settings)
    app.add_middleware(BodySizeLimit, most=settings.server.max_body_bytes, by_path=body_limits(settings))
    if settings.auth.enabled:
        secrets, limiter = services.client_secrets, services.limiter
        app.add_middleware(
            AuthMiddleware,
            accounts=accounts,
            secrets=secrets,
            limiter=limiter,
            settings=settings,
            admin_token=admin_token,
        )
    else:
        app.add_middleware(OpenAccess, local_caller=LOCAL_CALLER, admin_token=admin_token)
    app.add_middleware(PublishableKeyOrigins, accounts=accounts, origins=settings.cors.origins)


def _runtime(settings: Settings, box: SecretBox) -> Runtime:
    pool = Pool(settings.models, _starter(settings, box))
    if not settings.ray.address:
        return pool
    from ttsai_server.runtime.ray import RayRuntime

    return RayRuntime(settings, pool)


async def _watch_gpus(metrics: Metrics) -> None:
    """Measure the memory of the GPUs, until cancelled; returns if there are none."""
    while found := await asyncio.to_thread(gpus):
        for gpu in found:
            labels = str(gpu.index), gpu.name
            metrics.gpu_memory.labels(*labels).set(gpu.total_mb << 20)
            metrics.gpu_used.labels(*labels).set((gpu.total_mb - gpu.free_mb) << 20)
        await asyncio.sleep(GPU_SECONDS)


async def _renew(leases: RequestLeases, ledger: Ledger, seconds: float) -> None:
    """Renew the leases of requests, then return the credits of crashed servers; every `seconds`, until cancelled."""
    while True:
        try:
            await leases.renew()
            if count := await ledger.release_expired():
                logger.warning("released %d reservations of requests that never ended", count)
        except DatabaseUnavailable as error:
            logger.warning("could not renew the leases of requests, trying again: %s", error)
        except Exception:
            logger.exception("could not renew the leases of requests; trying again")
        await asyncio.sleep(seconds)


async def _clean_up(answers: Idempotency, services: Services) -> None:
    """Delete what has expired, whichever part of it can't be; runs until cancelled."""
    chores = (
        partial(_expire, answers),
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


async def _stop(jobs: list[asyncio.Task[None]]) -> None:
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)
