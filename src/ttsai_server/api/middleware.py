"""Middleware of every request: pure ASGI, outermost first.

RequestContext  request id, normalised path, access log, metrics, and the answer to an unexpected exception
AuthMiddleware  authenticates the caller, and applies the limits of its plan
BodySizeLimit   maximum length of a body
"""

import logging
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from secrets import compare_digest, token_hex
from time import perf_counter
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ttsai_server.api.disconnect import ClientDisconnected
from ttsai_server.api.errors import is_elevenlabs, outage, render, unexpected_error
from ttsai_server.domain import Caller
from ttsai_server.errors import ApiError, FileTooLarge, Forbidden, LimiterDown, RateLimited
from ttsai_server.metrics import Metrics
from ttsai_server.services.accounts import Accounts
from ttsai_server.services.client_secrets import CLIENT_SECRET, ClientSecrets
from ttsai_server.services.limits import Admission, Limiter
from ttsai_server.settings import Plan, Settings
from ttsai_server.tracing import UNTRACED, Span, Tracer

access = logging.getLogger("ttsai_server.access")

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
OPEN_PATHS = re.compile(
    r"/v1/voices/preview/|/v1/results/|/v1/speech/(results|subtitles)$|/v1/transcribe/results$"
    r"|/v1/audio/(models|voices)$|/v1/audio/tmp/|(?!/(v1|elevenlabs|mcp)(/|$))"
)
"""Paths that need no key: everything outside the APIs, previews, results and job states, whose ids can't be guessed,
and the lists that web clients fetch before they have a key."""
UNTRACED_PATHS = re.compile("/(health|metrics)(/|$)")
"""Asked for every few seconds by what watches the server."""
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
STARTS = {"http.response.start", "websocket.http.response.start", "websocket.accept"}
"""The messages with which an answer begins."""
SWITCHED = 101
"""Status of an accepted WebSocket."""


REALTIME = "/v1/realtime"
"""The only path for client secrets."""
ADMIN = "/v1/admin/"
"""The administrators' paths: for keys with that scope, and for the server's own command line."""
COMMAND_LINE = Caller(account="local", plan="", key="cli", admin=True)


def header(scope: Scope, name: bytes) -> str:
    """A request header, by its name in lower case; empty if absent. Ten times faster than starlette's `Headers`."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


class RequestContext:
    """Logs, measures and names every request, and answers unexpected exceptions."""

    def __init__(self, app: ASGIApp, metrics: Metrics, tracer: Tracer) -> None:
        self._app = app
        self._metrics = metrics
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        scope.setdefault("method", "GET")  # that of a WebSocket's handshake
        log = RequestLog(scope, send)
        with self._span(scope) as span:
            try:
                await self._answer(scope, receive, log)
            finally:
                log.describe(span)

    def _span(self, scope: Scope) -> AbstractContextManager[Span]:
        if UNTRACED_PATHS.match(scope["path"]):
            return UNTRACED
        attributes = {"http.request.method": scope["method"], "url.path": scope["path"]}
        return self._tracer.begin(scope["method"], "server", attributes, header(scope, b"traceparent"))

    async def _answer(self, scope: Scope, receive: Receive, log: "RequestLog") -> None:
        self._metrics.in_flight.inc()
        try:
            await self._app(scope, receive, log.send)
        except (ClientDisconnected, ClientDisconnect):  # the latter while it sends its body
            log.disconnected = True
            self._metrics.abandoned.inc()
        except Exception as error:
            known = outage(error)
            if known:
                access.error("%s %s", known.message, error, extra={"request_id": log.request_id})
            else:
                access.exception("unexpected", extra={"request_id": log.request_id})
            if log.status:
                raise  # the response has begun: breaking the connection is the only way to show that it is incomplete
            await render(known or unexpected_error(log.request_id))(scope, receive, log.send)
        finally:
            self._metrics.in_flight.dec()
            log.record(self._metrics)


class RequestLog:
    """Id, status and times of one request, for the access log and the metrics."""

    def __init__(self, scope: Scope, send: Send) -> None:
        """Also normalises the path: without /api and a trailing slash."""
        client_id = header(scope, b"x-request-id")
        self.request_id = client_id if REQUEST_ID.fullmatch(client_id) else token_hex(16)
        self.status = 0
        self.disconnected = False
        """Whether the client disconnected before the end."""
        self._send = send
        self._scope = scope
        self._began = perf_counter()
        self._first_byte = 0.0
        scope.setdefault("state", {})["request_id"] = self.request_id
        path: str = scope["path"]
        if path == "/api" or path.startswith("/api/"):
            scope["state"]["api_prefix"] = True
            path = path[4:]
        scope["path"] = path.rstrip("/") or "/"

    async def send(self, message: Message) -> None:
        if message["type"] in STARTS:
            self.status = message.get("status", SWITCHED)
            message["headers"] = [*message.get("headers", ()), (b"x-request-id", self.request_id.encode())]
        elif not self._first_byte:
            self._first_byte = perf_counter()
        await self._send(message)

    @property
    def route(self) -> str:
        """Its path in the API, without what a client has filled in; `unknown` if there is none."""
        return getattr(self._scope.get("route"), "path", "unknown")

    def describe(self, span: Span) -> None:
        """Record in its span how it ended."""
        span.rename(f"{self._scope['method']} {self.route}")
        attributes: dict[str, str | float] = {
            "http.route": self.route,
            "ttsai.request_id": self.request_id,
            "ttsai.left": self.disconnected,
        }
        if self.status:
            attributes["http.response.status_code"] = self.status
        if self._first_byte:
            attributes["ttsai.first_byte_seconds"] = round(self._first_byte - self._began, 4)
        span.set(attributes)
        if self.status >= 500:
            span.fail(str(self.status))

    def record(self, metrics: Metrics) -> None:
        seconds = perf_counter() - self._began
        answers = metrics.answers(self.route, self._scope["method"], self.status)
        answers.count.inc()
        answers.latency.observe(seconds)
        if self._first_byte:
            answers.first_byte.observe(self._first_byte - self._began)
        caller: Caller | None = self._scope["state"].get("caller")
        access.info(
            "%s %s %s",
            self._scope["method"],
            self._scope["path"],
            "left" if self.disconnected else self.status,
            extra={
                "request_id": self.request_id,
                "status": self.status,
                "seconds": round(seconds, 4),
                "account": caller.account if caller else None,
            },
        )


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


class BodySizeLimit:
    """Rejects a body that is too long, without reading the rest of it."""

    def __init__(self, app: ASGIApp, most: int, by_path: Mapping[str, int]) -> None:
        """most: bytes; by_path: path → its own limit, bytes."""
        self._app = app
        self._most = most
        self._by_path = by_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        most = self._by_path.get(scope["path"], self._most)
        length = header(scope, b"content-length")
        if length.isdecimal() and not _within(length, most):
            return await render(FileTooLarge(_too_long(most)))(scope, receive, send)
        return await self._app(scope, _counted(receive, most), send)


def _counted(receive: Receive, most: int) -> Receive:
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > most:
            raise HTTPException(413, _too_long(most))  # FastAPI would turn another exception into a 400
        return message

    return counted


def _within(number: str, most: int) -> bool:
    """Whether a decimal number is at most `most`; it may have more digits than `int` accepts."""
    digits = number.lstrip("0")
    return len(digits) <= len(str(most)) and int(digits or "0") <= most


def _too_long(most: int) -> str:
    return f"The body may have at most {most} bytes."


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
