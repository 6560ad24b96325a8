"""What every request passes on its way to a route: pure ASGI, outermost first.

RequestContext  request id, one spelling of each path, the access log, metrics, and the answer to a bug
AuthMiddleware  who is calling, and whether its plan admits another request now
BodySizeLimit   how long a body may be
"""

import logging
import re
from collections.abc import Mapping
from secrets import token_hex
from time import perf_counter
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ttsai_server.api.disconnect import ClientDisconnected
from ttsai_server.api.errors import bug, outage, render
from ttsai_server.domain import Caller
from ttsai_server.errors import ApiError, FileTooLarge, Forbidden, LimiterDown, RateLimited
from ttsai_server.metrics import Metrics
from ttsai_server.services.accounts import Accounts
from ttsai_server.services.limits import Admission, Limiter
from ttsai_server.settings import Plan, Settings

access = logging.getLogger("ttsai_server.access")

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
OPEN_PATHS = re.compile(
    r"/v1/voices/preview/|/v1/results/|/v1/speech/(results|subtitles)$|/v1/transcribe/results$"
    r"|/v1/audio/(models|voices)$|(?!/v1(/|$))"
)
"""What needs no key: everything outside /v1, previews, results and jobs, whose ids are keys, and the lists that web
clients fetch before they have one."""
PUBLISHABLE_PATHS = {
    "/v1/tts",
    "/v1/audio/speech",
    "/v1/models",
    "/v1/voices",
    "/v1/speech/models",
    "/v1/speech/voices",
    "/v1/speech/languages",
}
"""What a key that lies open in a web page may do."""


def header(scope: Scope, name: bytes) -> str:
    """A header of the request, by its name in small letters; empty without one. A tenth of what `Headers` costs."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


class RequestContext:
    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        visit = RequestLog(scope, send)
        self._metrics.in_flight.inc()
        try:
            await self._app(scope, receive, visit.send)
        except ClientDisconnected:
            visit.left = True
            self._metrics.abandoned.inc()
        except Exception as error:
            told = outage(error)
            if told:
                access.error("%s %s", told.message, error, extra={"request_id": visit.request_id})
            else:
                access.exception("unexpected", extra={"request_id": visit.request_id})
            if visit.status:
                raise  # the answer has begun: only a broken connection can tell that it is not whole
            await render(told or bug(visit.request_id))(scope, receive, visit.send)
        finally:
            self._metrics.in_flight.dec()
            visit.record(self._metrics)


class RequestLog:
    """One request: its id, its times, and its way through the log and the metrics."""

    def __init__(self, scope: Scope, send: Send) -> None:
        given = header(scope, b"x-request-id")
        self.request_id = given if REQUEST_ID.fullmatch(given) else token_hex(16)
        self.status = 0
        self.left = False
        """Whether the client left before the end."""
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
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], (b"x-request-id", self.request_id.encode())]
        elif not self._first_byte:
            self._first_byte = perf_counter()
        await self._send(message)

    def record(self, metrics: Metrics) -> None:
        route = self._scope.get("route")
        path = getattr(route, "path", "unknown")
        seconds = perf_counter() - self._began
        answers = metrics.answers(path, self._scope["method"], self.status)
        answers.count.inc()
        answers.latency.observe(seconds)
        if self._first_byte:
            answers.first_byte.observe(self._first_byte - self._began)
        caller: Caller | None = self._scope["state"].get("caller")
        access.info(
            "%s %s %s",
            self._scope["method"],
            self._scope["path"],
            "left" if self.left else self.status,
            extra={
                "request_id": self.request_id,
                "status": self.status,
                "seconds": round(seconds, 4),
                "account": caller.account if caller else None,
            },
        )


class AuthMiddleware:
    """Authenticates everything but the open paths, and holds each account to its plan.

    In this order: 401 who are you, 403 may you, 429 may you now. From the moment the caller is known, every answer
    carries the rate headers, errors too.
    """

    def __init__(self, app: ASGIApp, accounts: Accounts, limiter: Limiter, settings: Settings) -> None:
        self._app = app
        self._accounts = accounts
        self._limiter = limiter
        self._plans = settings.plans

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or OPEN_PATHS.match(scope["path"]):
            return await self._app(scope, receive, send)
        try:
            caller = await self._accounts.authenticate(_bearer(header(scope, b"authorization")))
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
            app = render(refusal) if refusal else self._app
            await app(scope, receive, _with_headers(send, admission))
        finally:
            await self._limiter.release(admission)


class OpenAccess:
    """A server without keys: everybody is the house."""

    def __init__(self, app: ASGIApp, house: Caller) -> None:
        self._app = app
        self._house = house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["state"]["caller"] = self._house
        await self._app(scope, receive, send)


class BodySizeLimit:
    """Refuses a body that is too long without reading the rest of it."""

    def __init__(self, app: ASGIApp, most: int, by_path: Mapping[str, int]) -> None:
        """most: bytes; by_path: where it is another."""
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
            raise HTTPException(413, _too_long(most))  # of its kind, so that FastAPI passes it on
        return message

    return counted


def _within(number: str, most: int) -> bool:
    """Whether a number of digits is at most `most`; there may be more of them than Python would read."""
    digits = number.lstrip("0")
    return len(digits) <= len(str(most)) and int(digits or "0") <= most


def _too_long(most: int) -> str:
    return f"The body may have at most {most} bytes."


def _bearer(authorization: str) -> str:
    """The key of `Authorization: Bearer …`; empty without one."""
    scheme, _, key = authorization.partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _refusal(caller: Caller, plan: Plan, scope: Scope) -> Forbidden | None:
    """Why the caller may not do this; None if it may."""
    if not plan.api:
        return Forbidden(f"The plan {caller.plan!r} has no API access.")
    if not caller.publishable:
        return None
    if scope["path"] not in PUBLISHABLE_PATHS:
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
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *headers]
        await send(message)

    return with_headers
