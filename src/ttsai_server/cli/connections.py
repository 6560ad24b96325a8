"""HTTP connections: uvicorn's, with limits, and with errors in the contract's format.

uvicorn has no time limit for the head or the body of a request, and none for the number of connections, so a client
could keep them open forever.
"""

import math
import resource
import socket
import struct
from asyncio import TimerHandle, Transport
from secrets import token_hex
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from ttsai_server.api.errors import render
from ttsai_server.cli.parser import RequestParser
from ttsai_server.cli.unread import WatchedProtocol
from ttsai_server.cli.websockets import PATHS, websocket_options
from ttsai_server.errors import ApiError, BadRequest, HeadTooLarge, ModelLoading
from ttsai_server.settings import Settings

MOST_HEAD_BYTES = 64 * 1024
LINGER_SECONDS = 2.0
"""How long a refused client has to read the error, while what it still sends is discarded."""
RETRY_SECONDS = 5
SPARE_FILES = 300
"""File descriptors reserved for the rest of the server."""
BACKLOG = 128
"""Connections that wait to be accepted."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of zero seconds: closing resets the connection, so that the body does not look complete."""


def uvicorn_config(app: FastAPI, settings: Settings, **options: Any) -> uvicorn.Config:
    """The configuration of uvicorn. options: further arguments of uvicorn.Config."""
    bounds = settings.server.model_copy(update={"max_connections": connections(settings.server.max_connections)})
    return uvicorn.Config(
        app,
        http=type("Bounded", (Connection,), {"bounds": bounds}),
        timeout_keep_alive=math.ceil(settings.server.idle_seconds),
        backlog=BACKLOG,
        log_config=None,
        access_log=False,
        server_header=False,
        **websocket_options(bounds, settings.realtime.max_message_bytes),
        **options,
    )


def connections(wanted: int) -> int:
    """`wanted`, or fewer if the process may not open so many files; raises its soft limit first if possible."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    spare = soft - min(SPARE_FILES, soft // 2)
    return wanted if soft == resource.RLIM_INFINITY else min(wanted, spare)


class Connection(WatchedProtocol, HttpToolsProtocol):
    """One connection, with one request after another."""

    cycle: Any
    """The last request, which may be in progress; None before the first."""
    _timer: TimerHandle | None = None
    _awaited = ""
    """What the timer waits for: head, body, rest (of the body of a request already answered), or empty: no timer."""
    _head = 0
    """Bytes of the current head that the parser has passed on."""
    _fed = 0
    """Bytes received since the last request ended."""
    _reads_head = True
    """Whether the client is expected to send the head of a request next."""
    _refused = False
    _last = 0.0
    """When data was last received, by the event loop's clock, seconds."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.parser: Any = RequestParser(self)
        self._last = self.loop.time()
        self._watch()
        if len(self.connections) > self.bounds.max_connections and not self._make_room():
            self._refuse(ModelLoading("The server has all the connections it can hold.", retry_after=RETRY_SECONDS))

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._last = self.loop.time()
        self._fed += len(data)
        super().data_received(data)
        if self.transport.get_protocol() is not self:
            return  # it is a WebSocket from now on
        if self._fed > MOST_HEAD_BYTES and self._reads_head and not self._refused:
            self._refuse(HeadTooLarge(MOST_HEAD_BYTES))
        self._watch()

    def on_message_begin(self) -> None:
        self._head = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + len(": \r\n"))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if not self.parser.is_upgrade():
            super().on_headers_complete()
            self._reads_head = False

    def on_message_complete(self) -> None:
        if not self.parser.is_upgrade():
            super().on_message_complete()
            self._reads_head, self._fed = True, 0

    def _should_upgrade(self) -> bool:
        return super()._should_upgrade() and not self._busy and PATHS.fullmatch(self.url) is not None

    def handle_websocket_upgrade(self) -> None:
        self._unwatch()
        super().handle_websocket_upgrade()

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > MOST_HEAD_BYTES:
            raise HeadTooLarge(MOST_HEAD_BYTES)  # httptools makes a parser error of it, for `send_400_response`

    def send_400_response(self, msg: str) -> None:
        self._refuse(HeadTooLarge(MOST_HEAD_BYTES) if self._head > MOST_HEAD_BYTES else BadRequest(msg))

    def on_response_complete(self) -> None:
        self._unwatch()  # from now on the connection is idle: uvicorn has a limit for that
        super().on_response_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        unchunked: Any = Unchunked(app, cycle)
        super()._start_asgi_task(cycle, unchunked if cycle.scope["http_version"] in ("0.9", "1.0") else app)

    @property
    def _busy(self) -> bool:
        """Whether a request is in progress."""
        return self.cycle is not None and not self.cycle.response_complete

    def _watch(self) -> None:
        """Start the timer for what the client has to send next; a head's timer is not restarted by further data."""
        if self._refused:
            return
        awaited = self._next()
        if awaited == self._awaited == "head" and self._timer:
            return
        self._unwatch()
        if awaited:
            self._awaited = awaited
            seconds = self.bounds.head_seconds if awaited == "head" else self.bounds.body_seconds
            self._timer = self.loop.call_later(seconds, self._late)

    def _next(self) -> str:
        """What the client has to send now, as in `_awaited`."""
        if self._busy:
            return "body" if self.cycle.more_body else ""
        return "head" if self._reads_head else "rest"

    def _unwatch(self) -> None:
        self._awaited = ""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        if self._awaited == "rest" or (self._awaited == "head" and not self._fed):
            self.transport.close()
        elif self._awaited == "body" and (self.flow.read_paused or self.cycle.waiting_for_100_continue):
            self._watch()  # the delay is this server's: it does not read, or has not sent 100 Continue
        else:
            self._refuse(BadRequest(f"The {self._awaited} of the request did not arrive in time."))

    def _make_room(self) -> bool:
        """Close the connection that has been silent for the longest, unless the server works on its request.

        → whether one was closed.
        """
        silent = [other for other in self.connections if other is not self and isinstance(other, Connection)]
        silent = [other for other in silent if not other._busy or other.cycle.more_body]
        if not silent:
            return False
        longest = min(silent, key=lambda other: (other._busy, other._last))
        self.connections.discard(longest)
        longest.transport.abort()
        return True

    def _refuse(self, error: ApiError) -> None:
        """Send the error and close. If a response has begun, which the error would corrupt, only close."""
        self._refused = True
        self._unwatch()
        if self._busy:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.abort()
                return
        answer = render(error, {"X-Request-Id": token_hex(16), "Connection": "close"})
        headers = [*self.server_state.default_headers, *answer.raw_headers]
        lines = [STATUS_LINE[answer.status_code], *(b"%s: %s\r\n" % header for header in headers)]
        self.transport.write(b"".join([*lines, b"\r\n", bytes(answer.body)]))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)


class Unchunked:
    """For HTTP/1.0, which has no chunked encoding: a body of unknown length ends with the connection.

    If the app fails in the middle of one, the connection is reset, so that the body does not look complete.
    """

    def __init__(self, app: ASGIApp, cycle: RequestResponseCycle) -> None:
        self._app = app
        self._cycle = cycle
        self._open_ended = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def unchunked(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._open_ended = not any(name.lower() == b"content-length" for name, _ in message["headers"])
                self._cycle.chunked_encoding = False if self._open_ended else None
            elif self._open_ended:
                self._cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, unchunked)
        except BaseException:
            if self._open_ended:
                self._cycle.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                self._cycle.transport.abort()
            raise
