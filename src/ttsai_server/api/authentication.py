"""Middleware that authenticates the caller, and applies the limits of its plan."""

import re
from secrets import compare_digest
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ttsai_server.api.errors import is_elevenlabs, render
from ttsai_server.api.headers import STARTS, header
from ttsai_server.domain import Caller
from ttsai_server.errors import ApiError, Forbidden, LimiterDown, RateLimited
from ttsai_server.services.accounts import Accounts
from ttsai_server.services.client_secrets import CLIENT_SECRET, ClientSecrets
from ttsai_server.services.limits import Admission, Limiter
from ttsai_server.settings import Plan, Settings

OPEN_PATHS = re.compile(
    r"/v1/voices/preview/|/v1/results/|/v1/speech/(results|subtitles)$|/v1/transcribe/results$"
    r"|/v1/audio/(models|voices)$|/v1/audio/tmp/|(?!/(v1|elevenlabs|mcp)(/|$))"
)
"""Paths that need no key: everything outside the APIs, previews, results and job states, whose ids can't be guessed,
and the lists that web clients fetch before they have a key."""
PUBLISHABLE_PATHS = {
    "/v1/tts": "POST",
    "/v1/audio/speech": "POST",
    "/v1/models": "GET",
    "/v1/voices": "GET",
    "/v1/speech/models": "GET",
    "/v1/speech/voices": "GET",
    "/v1/speech/languages": "GET",
}
"""The paths that a publishable key, which is visible in a web page, may call, and by which method; HEAD is a GET."""

IN_SUBPROTOCOL = "openai-insecure-api-key."
"""What a key begins with as a subprotocol of a WebSocket."""
REALTIME = "/v1/realtime"
"""The only path for client secrets."""
ADMIN = "/v1/admin/"
"""The administrators' paths: for keys with that scope, and for the server's own command line."""
COMMAND_LINE = Caller(account="local", plan="", key="cli", admin=True)


class AuthMiddleware:
    """Authenticates every path but the open ones, and enforces the limits of the caller's plan.

    In this order: 401 unknown caller, 403 not allowed, 429 too many requests. Once the caller is known, every answer,
    also an error, carries the rate limit headers.
    """

    def __init__(
        self,
        app: ASGIApp,
        accounts: Accounts,
        secrets: ClientSecrets,
        limiter: Limiter,
        settings: Settings,
        admin_token: str,
    ) -> None:
        """admin_token: of the server's own command line; empty: it has none."""
        self._app = app
        self._admin_token = admin_token
        self._accounts = accounts
        self._secrets = secrets
        self._limiter = limiter
        self._plans = settings.plans

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or OPEN_PATHS.match(scope["path"]):
            return await self._app(scope, receive, send)
        if _is_command_line(scope, self._admin_token):
            scope["state"]["caller"] = COMMAND_LINE
            return await self._app(scope, receive, send)
        try:
            caller = await self._caller(scope)
            plan = self._plans.get(caller.plan)
            if plan is None:
                raise Forbidden(f"The plan {caller.plan!r} is not offered by this server.")
        except ApiError as error:
            return await render(error)(scope, receive, send)
        scope["state"]["caller"] = caller
        refusal = _refusal(caller, plan, scope)
        try:
            admission = await self._limiter.admit(caller, plan)
        except RateLimited as error:
            return await render(refusal or error, error.rate_headers)(scope, receive, send)
        except LimiterDown as error:
            return await render(refusal or error)(scope, receive, send)
        try:
            scope["state"]["admission"] = admission
            app = render(refusal) if refusal else self._app
            await app(scope, receive, _with_headers(send, admission))
        finally:
            await self._limiter.release(admission)

    async def _caller(self, scope: Scope) -> Caller:
        key = sent_key(scope)
        if (scope["type"], scope["path"]) == ("websocket", REALTIME) and key.startswith(CLIENT_SECRET):
            return (await self._secrets.redeem(key)).caller
        return await self._accounts.authenticate(key)


class OpenAccess:
    """Takes the place of AuthMiddleware on a server without keys: every request comes from `local_caller`.

    That one does not administer: any page that is open in a browser on this machine can send its requests.
    """

    def __init__(self, app: ASGIApp, local_caller: Caller, admin_token: str) -> None:
        self._app = app
        self._local_caller = local_caller
        self._admin_token = admin_token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            command_line = _is_command_line(scope, self._admin_token)
            scope["state"]["caller"] = COMMAND_LINE if command_line else self._local_caller
        await self._app(scope, receive, send)


def sent_key(scope: Scope) -> str:
    """The key in `Authorization: Bearer …`; empty if there is none.

    On ElevenLabs' paths that in `xi-api-key` comes first. Of a WebSocket also the one in the subprotocol
    `openai-insecure-api-key.…`: browsers can't send headers with it.
    """
    if is_elevenlabs(scope["path"]) and (own := header(scope, b"xi-api-key")):
        return own
    scheme, _, key = header(scope, b"authorization").partition(" ")
    if scheme.lower() == "bearer":
        return key.strip()
    offered: list[str] = scope.get("subprotocols", [])
    return next((each[len(IN_SUBPROTOCOL) :] for each in offered if each.startswith(IN_SUBPROTOCOL)), "")


def _is_command_line(scope: Scope, token: str) -> bool:
    """Whether the server's own command line administers: it knows the token in `server.json`."""
    return bool(token) and scope["path"].startswith(ADMIN) and compare_digest(sent_key(scope).encode(), token.encode())


def _refusal(caller: Caller, plan: Plan, scope: Scope) -> Forbidden | None:
    """The error for a request that the caller may not make; None if it may."""
    if not plan.api:
        return Forbidden(f"The plan {caller.plan!r} has no API access.")
    if not caller.publishable:
        return None
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    if PUBLISHABLE_PATHS.get(scope["path"]) != method:
        return Forbidden("A publishable key may only be used for text to speech.")
    origin = header(scope, b"origin") or _origin(header(scope, b"referer"))
    if origin not in caller.origins:
        return Forbidden("This publishable key may not be used from this page.")
    return None


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"


def _with_headers(send: Send, admission: Admission) -> Send:
    headers = [(name.lower().encode(), value.encode()) for name, value in admission.headers.items()]

    async def with_headers(message: Message) -> None:
        if message["type"] in STARTS:
            message["headers"] = [*message.get("headers", ()), *headers]
        await send(message)

    return with_headers
