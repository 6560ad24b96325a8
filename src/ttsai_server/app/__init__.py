"""Creates the ASGI application: the parts of a server, its routes, and what stands between the clients and them."""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace

from fastapi import APIRouter, FastAPI
from fastapi_offline import FastAPIOffline
from starlette.routing import BaseRoute, Route
from starlette.types import Lifespan

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
from ttsai_server.api.authentication import AuthMiddleware, OpenAccess
from ttsai_server.api.body_limit import BodySizeLimit
from ttsai_server.api.cors import Cors, PublishableKeyOrigins
from ttsai_server.api.deps import head_routes
from ttsai_server.api.elevenlabs import catalog as elevenlabs_catalog
from ttsai_server.api.elevenlabs import multi_stream_input, stream_input
from ttsai_server.api.elevenlabs import speech as elevenlabs_speech
from ttsai_server.api.elevenlabs import transcription as elevenlabs_transcription
from ttsai_server.api.hosts import OwnNames
from ttsai_server.api.idempotency import IdempotencyMiddleware
from ttsai_server.api.mcp import PATH as MCP_PATH
from ttsai_server.api.mcp import McpEndpoint
from ttsai_server.api.request_context import RequestContext
from ttsai_server.api.uploads import MOST_FIELDS, MOST_FILES, body_limits
from ttsai_server.app.lifespan import background, running
from ttsai_server.app.parts import LOCAL_CALLER, Parts, assemble
from ttsai_server.console.door import Console, ConsoleDoor, installed
from ttsai_server.settings import Settings

KEYED = (
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
    multi_stream_input.router,
)
OPEN = (catalog.open_, results.router, operations.router)
FOR_NODES = (remote.router, operations.router, model_administration.router)
"""A worker's."""


def create_app(
    settings: Settings, *, admin_token: str = "", announce: Callable[[str], None] = lambda key: None
) -> FastAPI:
    """Create the application that answers clients.

    Args:
        settings: all settings.
        admin_token: bearer token of /v1/admin/, for the server's own command line; empty: it has none.
        announce: called once in a database's lifetime, with the key of the first account.

    Raises BadCard if a model card is invalid, NodeNameTaken if another server runs with this one's name.
    """
    parts = assemble(settings)
    mcp = McpEndpoint(parts.services)
    everyone = None if settings.auth.enabled else replace(LOCAL_CALLER, admin=True)
    console = Console(parts.services, everyone) if settings.console.enabled and installed() else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with running(parts, announce), background(mcp.run()), console.opened() if console else nullcontext():
            yield

    app = _application(parts, lifespan, (*KEYED, *OPEN), (Route(MCP_PATH, mcp, include_in_schema=False),))
    _guard(app, parts, admin_token)
    app.add_middleware(RequestContext, metrics=parts.services.metrics, tracer=parts.tracer)
    app.add_middleware(Cors)
    if console:
        app.add_middleware(ConsoleDoor, console=console)
    return app


def create_worker_app(settings: Settings, *, admin_token: str = "") -> FastAPI:
    """Create the application of a worker, whose models are for other nodes. Arguments and errors as of `create_app`."""
    parts = assemble(settings, for_nodes=True)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with running(parts, announce=None):
            yield

    app = _application(parts, lifespan, FOR_NODES)
    app.add_middleware(OpenAccess, local_caller=LOCAL_CALLER, admin_token=admin_token)
    app.add_middleware(RequestContext, metrics=parts.services.metrics, tracer=parts.tracer)
    return app


def _application(
    parts: Parts, lifespan: Lifespan[FastAPI], routers: Iterable[APIRouter], routes: Iterable[BaseRoute] = ()
) -> FastAPI:
    """The routes, without any middleware."""
    app = FastAPIOffline(
        redoc_url=None,  # its page would load a logo from the web
        title="ttsai-server",
        version=__version__,
        summary="A self-hosted speech server with the TTS.ai REST API",
        lifespan=lifespan,
        redirect_slashes=False,
        form_limits={"max_files": MOST_FILES, "max_fields": MOST_FIELDS},
    )
    app.state.services = parts.services
    errors.install(app)
    app.router.routes.extend(routes)
    # not include_router: its indirection costs every request 10 µs, and 5 µs for each router before its own
    app.router.routes.extend(route for router in routers for route in router.routes)
    app.router.routes.extend(head_routes(tuple(app.router.routes)))
    return app


def _guard(app: FastAPI, parts: Parts, admin_token: str) -> None:
    """Add what stands between the clients and the routes: keys and limits, and answers given once."""
    services = parts.services
    settings, accounts = services.settings, services.accounts
    folder = settings.data_dir / "answers"
    app.add_middleware(IdempotencyMiddleware, store=parts.answers, folder=folder, settings=settings)
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
    if not settings.auth.enabled:
        app.add_middleware(OwnNames, public_url=settings.server.public_url)
