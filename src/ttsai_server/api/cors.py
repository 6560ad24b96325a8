"""Which web pages may call the API: the CORS protocol (https://fetch.spec.whatwg.org/#http-cors-protocol), pure ASGI.

Cors                   adds the headers that let a page read an answer, also an unexpected error's: outermost
PublishableKeyOrigins  decides whether a page may call, and answers preflights, which carry no key: inside
                       RequestContext, outside AuthMiddleware. Browsers let every page open a WebSocket, and leave it to
                       the server to refuse it
"""

from collections.abc import Sequence

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ttsai_server.api.errors import render
from ttsai_server.api.headers import header
from ttsai_server.errors import Forbidden
from ttsai_server.services.accounts import Accounts

EXPOSED = (
    "X-Request-Id",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Credits-Used",
    "X-Credits-Remaining",
    "X-Audio-Seconds",
    "Retry-After",
    "X-Should-Retry",
    "Warning",
    "Preference-Applied",
    "Idempotent-Replayed",
    "Content-Disposition",
    "Content-Range",
    "ETag",
)
"""Response headers that a page may read."""
METHODS = "GET, HEAD, POST, DELETE"
MAX_AGE = "7200"
"""How long a browser may cache the answer to a preflight, seconds; Chrome's maximum."""


OTHER_PAGE = "Pages of this origin may not call this server."


class Cors:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_headers(scope["state"].get("cors", ""))]
            await send(message)

        scope.setdefault("state", {})
        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


class PublishableKeyOrigins:
    """Allows the origins of the settings, and those of any publishable key."""

    def __init__(self, app: ASGIApp, accounts: Accounts, origins: Sequence[str]) -> None:
        self._app = app
        self._accounts = accounts
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = header(scope, b"origin") if scope["type"] != "lifespan" else ""
        if origin and scope["type"] == "websocket":
            allowed = origin.partition("://")[2] == header(scope, b"host") or await self._allowed(origin)
            await (self._app if allowed else render(Forbidden(OTHER_PAGE)))(scope, receive, send)
            return
        if origin:
            scope["state"]["cors"] = await self._allowed(origin)
        is_preflight = origin and scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method")
        app = _preflight(scope) if is_preflight else self._app
        await app(scope, receive, send)

    async def _allowed(self, origin: str) -> str:
        """The value of `Access-Control-Allow-Origin`; empty: omit the header."""
        if "*" in self._origins:
            return "*"
        return origin if origin in self._origins or await self._accounts.allows_origin(origin) else ""


def _preflight(scope: Scope) -> Response:
    if not scope["state"]["cors"]:
        return render(Forbidden(OTHER_PAGE))
    headers = {
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": header(
            scope, b"access-control-request-headers"
        ),  # not `*`, which excludes Authorization
        "Access-Control-Max-Age": MAX_AGE,
        "Vary": "Access-Control-Request-Headers",
    }
    return Response(status_code=204, headers=headers)


def _headers(allowed: str) -> list[tuple[bytes, bytes]]:
    if not allowed:
        return [(b"vary", b"Origin")]
    return [
        (b"vary", b"Origin"),
        (b"access-control-allow-origin", allowed.encode("latin-1")),
        (b"access-control-expose-headers", ", ".join(EXPOSED).encode()),
    ]
