"""What every request passes on its way to a route: pure ASGI, outermost first.

Entry   request id, one spelling of each path, the access log, metrics, and the answer to a bug
Gate    who is calling, and whether its plan admits another request now
"""

import logging
import re
from collections.abc import Callable
from secrets import token_hex
from time import perf_counter

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ttsai_server.api.errors import bug, render
from ttsai_server.domain import Caller
from ttsai_server.errors import ApiError
from ttsai_server.metrics import Metrics
from ttsai_server.services.accounts import Accounts
from ttsai_server.services.limits import Limiter
from ttsai_server.settings import Plan

access = logging.getLogger("ttsai_server.access")

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
OPEN_PATHS = re.compile(r"/v1/voices/preview/|/v1/audio/(models|voices)$|(?!/v1(/|$))")
"""What needs no key: everything outside /v1, previews, and the lists that web clients fetch before they have one."""


class Entry:
    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        visit = Visit(scope, send)
        with self._metrics.in_flight.track_inprogress():
            try:
                await self._app(scope, receive, visit.send)
            except Exception:
                access.exception("unexpected", extra={"request_id": visit.request_id})
                if visit.status:
                    raise  # the answer has begun: only a broken connection can tell that it is not whole
                await render(bug(visit.request_id))(scope, receive, visit.send)
            finally:
                visit.record(self._metrics)


class Visit:
    """One request: its id, its times, and its way through the log and the metrics."""

    def __init__(self, scope: Scope, send: Send) -> None:
        given = Headers(scope=scope).get("x-request-id", "")
        self.request_id = given if REQUEST_ID.fullmatch(given) else token_hex(16)
        self.status = 0
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
            MutableHeaders(scope=message)["x-request-id"] = self.request_id
        elif not self._first_byte:
            self._first_byte = perf_counter()
        await self._send(message)

    def record(self, metrics: Metrics) -> None:
        route = self._scope.get("route")
        path = getattr(route, "path", "unknown")
        seconds = perf_counter() - self._began
        metrics.requests.labels(path, self._scope["method"], self.status).inc()
        metrics.latency.labels(path).observe(seconds)
        if self._first_byte:
            metrics.first_byte.labels(path).observe(self._first_byte - self._began)
        caller: Caller | None = self._scope["state"].get("caller")
        access.info(
            "%s %s %s",
            self._scope["method"],
            self._scope["path"],
            self.status or "left",
            extra={
                "request_id": self.request_id,
                "status": self.status,
                "seconds": round(seconds, 4),
                "account": caller.account if caller else None,
            },
        )


class Gate:
    """Authenticates everything but the open paths; a refusal carries the rate headers as soon as the caller is known."""

    def __init__(self, app: ASGIApp, accounts: Accounts, limiter: Limiter, plan_of: Callable[[Caller], Plan]) -> None:
        self._app = app
        self._accounts = accounts
        self._limiter = limiter
        self._plan_of = plan_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or OPEN_PATHS.match(scope["path"]):
            return await self._app(scope, receive, send)
        try:
            caller = await self._accounts.authenticate(_bearer(Headers(scope=scope)))
        except ApiError as error:
            return await render(error)(scope, receive, send)
        scope["state"]["caller"] = caller
        await self._admit(caller, scope, receive, send)
