"""What a route asks for by type.

All are coroutines, though none waits: FastAPI sends a plain function to a thread.
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
from ttsai_server.metrics import Metrics
from ttsai_server.runtime.base import Runtime
from ttsai_server.services.accounts import Accounts
from ttsai_server.services.flow import Flow
from ttsai_server.services.jobs import Jobs
from ttsai_server.services.previews import Previews
from ttsai_server.services.readiness import Readiness
from ttsai_server.services.voices import Voices
from ttsai_server.services.webhooks import Webhooks
from ttsai_server.settings import Settings
from ttsai_server.store.results import Results


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that `create_app` wired, at `app.state.services`."""

    settings: Settings
    catalog: Catalog
    voices: Voices
    listings: Listings
    runtime: Runtime
    flow: Flow
    previews: Previews
    accounts: Accounts
    webhooks: Webhooks
    results: Results
    jobs: Jobs
    readiness: Readiness
    metrics: Metrics
    admin_token: str
    """What the server's own command line shows; empty: it has no way in."""


async def services(request: Request) -> Services:
    return request.app.state.services


class Key(SecurityBase):
    """The services, for a route that needs a key: `AuthMiddleware` has checked it, this puts it into the schema.

    One dependency for both, because each costs every request some 10 µs.
    """

    def __init__(self) -> None:
        self.model = HTTPBearer(description="A key: `sk-tts-…`.")
        self.scheme_name = "HTTPBearer"

    async def __call__(self, request: Request) -> Services:
        return request.app.state.services


async def caller(request: Request) -> Caller:
    """Who asks; there on every path that is not open."""
    return request.scope["state"]["caller"]


async def base_url(request: Request) -> str:
    """The address that this client knows the server by, without a slash at its end."""
    configured: str = request.app.state.services.settings.server.public_url
    return (configured or str(request.base_url)).rstrip("/")


class Light(APIRoute):
    """A route whose function takes `request` and `services`, nothing else, and returns the response.

    FastAPI's own handler, which finds out at each request what a function takes, costs it 25 µs.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def handle(request: Request) -> Response:
            return await self.endpoint(request=request, services=request.app.state.services)

        return handle


def heads(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """For each route that takes GET, one that takes HEAD, and does the same; the server sends no body then."""
    for route in routes:
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
            head = copy(route)
            head.methods, head.include_in_schema = {"HEAD"}, False
            yield head


ServicesDep = Annotated[Services, Depends(services)]
AuthedServices = Annotated[Services, Security(Key())]
CurrentCaller = Annotated[Caller, Depends(caller)]
BaseUrl = Annotated[str, Depends(base_url)]
