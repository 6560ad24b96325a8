"""FastAPI dependencies of the routes, as annotated types.

All are coroutines, though none awaits anything: FastAPI would run a plain function in a thread.
"""

from collections.abc import Callable, Coroutine, Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.routing import APIRoute
from fastapi.security.base import SecurityBase
from starlette.responses import Response
from starlette.routing import BaseRoute

from ttsai_server.api.listings import Listings
from ttsai_server.domain import Caller
from ttsai_server.engines.catalog import Catalog
from ttsai_server.errors import Forbidden
from ttsai_server.metrics import Metrics
from ttsai_server.runtime.base import Runtime
from ttsai_server.services.accounts import Accounts
from ttsai_server.services.administration import Administration
from ttsai_server.services.client_secrets import ClientSecrets
from ttsai_server.services.conversations import Conversations
from ttsai_server.services.flow import Flow
from ttsai_server.services.jobs import Jobs
from ttsai_server.services.limits import Limiter
from ttsai_server.services.model_administration import ModelAdministration
from ttsai_server.services.readiness import Readiness
from ttsai_server.services.saved_voices import SavedVoices
from ttsai_server.services.voices import Voices
from ttsai_server.services.webhooks import Webhooks
from ttsai_server.settings import Settings
from ttsai_server.store.results import Results


@dataclass(frozen=True, slots=True)
class Services:
    """All services, created by `create_app` and stored at `app.state.services`."""

    settings: Settings
    catalog: Catalog
    voices: Voices
    listings: Listings
    runtime: Runtime
    flow: Flow
    saved_voices: SavedVoices
    accounts: Accounts
    administration: Administration
    model_administration: ModelAdministration
    client_secrets: ClientSecrets
    limiter: Limiter
    webhooks: Webhooks
    results: Results
    jobs: Jobs
    conversations: Conversations
    readiness: Readiness
    metrics: Metrics
    node_token: str
    """Bearer token of /worker, for nodes that have no models; empty on one that is no worker."""


async def services(request: Request) -> Services:
    return request.app.state.services


class KeySecurity(SecurityBase):
    """The services, for a route that needs a key. `AuthMiddleware` checks the key; this declares it in OpenAPI.

    One dependency for both, because each one costs every request some 10 µs.
    """

    def __init__(self) -> None:
        self.model = HTTPBearer(description="A key: `sk-tts-…`.")
        self.scheme_name = "HTTPBearer"

    async def __call__(self, request: Request) -> Services:
        return request.app.state.services


async def caller(request: Request) -> Caller:
    """The caller, which the middleware sets on every path that needs a key."""
    return request.scope["state"]["caller"]


async def administrator(request: Request) -> str:
    """Who administers, as the audit log has it: the id of a key, or `cli`. Raises Forbidden for other callers."""
    caller: Caller = request.scope["state"]["caller"]
    if not caller.admin:
        raise Forbidden("This takes a key for administrators: ttsai-server keys create --admin makes one.")
    return caller.key


async def base_url(request: Request) -> str:
    """The server's address as this client sees it, without a trailing slash."""
    configured: str = request.app.state.services.settings.server.public_url
    return (configured or str(request.base_url)).rstrip("/")


class LightRoute(APIRoute):
    """A route whose function takes only `request` and `services`, and returns the response.

    It skips FastAPI's resolution of dependencies, which costs 25 µs per request.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def handle(request: Request) -> Response:
            return await self.endpoint(request=request, services=request.app.state.services)

        return handle


def head_routes(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """For each GET route, a route that handles HEAD in the same way; uvicorn then sends no body."""
    for route in routes:
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
            head = copy(route)
            head.methods, head.include_in_schema = {"HEAD"}, False
            yield head


ServicesDep = Annotated[Services, Depends(services)]
AuthedServices = Annotated[Services, Security(KeySecurity())]
CurrentCaller = Annotated[Caller, Depends(caller)]
Administrator = Annotated[str, Depends(administrator)]
BaseUrl = Annotated[str, Depends(base_url)]
