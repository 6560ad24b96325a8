"""The outermost middleware: request id, normalised path, access log, metrics, and the answer to an unexpected error."""

import logging
import re
from contextlib import AbstractContextManager
from secrets import token_hex
from time import perf_counter

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ttsai_server.api.disconnect import ClientDisconnected
from ttsai_server.api.errors import outage, render, unexpected_error
from ttsai_server.api.headers import STARTS, header
from ttsai_server.domain import Caller
from ttsai_server.metrics import Metrics
from ttsai_server.tracing import UNTRACED, Span, Tracer

access = logging.getLogger("ttsai_server.access")

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
UNTRACED_PATHS = re.compile("/(health|metrics)(/|$)")
"""Asked for every few seconds by what watches the server."""
SWITCHED = 101
"""Status of an accepted WebSocket."""


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
