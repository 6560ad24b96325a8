"""WebSocket connections: uvicorn's, with limits. They carry `/v1/realtime`, and the steps of models between nodes; any
other offer to upgrade is ignored.
"""

import re
from asyncio import BaseTransport
from typing import Any, ClassVar

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from ttsai_server.cli.unread import UnreadWatch
from ttsai_server.settings import Server

PATHS = re.compile(rb"(/api)?/v1/realtime/?(\?.*)?|/worker/[^/?]+")
"""Targets of the requests that may become a WebSocket."""
PING_SECONDS = 20.0
"""How often a client is asked whether it is still there, and how long it may take to answer."""
MOST_FRAGMENTS = 1024
"""Frames that one message may come in."""
TOO_BIG = 1009
"""Code of closing for a message that is too long, RFC 6455 §7.4.1."""


class WebSocketConnection(WebSocketsSansIOProtocol):
    """One WebSocket. A client that is gone, or reads nothing, loses it at once: nothing waits to be sent to it."""

    bounds: ClassVar[Server]
    _unread: UnreadWatch

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self._unread = UnreadWatch(self.loop, self.transport, self.bounds.unread_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._unread.end()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread.start()

    def resume_writing(self) -> None:
        self._unread.end()
        super().resume_writing()

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) < MOST_FRAGMENTS:
            super().handle_cont(event)
        else:
            self.conn.fail(TOO_BIG, "too many fragments")
            self.handle_parser_exception()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.transport.abort()

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self.loop.call_later(self.close_timeout, self.transport.abort)


def websocket_options(bounds: Server, most_bytes: int) -> dict[str, Any]:
    """Arguments of `uvicorn.Config`. most_bytes: of a message. Compression is off: sound gains nothing by it."""
    return {
        "ws": type("BoundedWebSocket", (WebSocketConnection,), {"bounds": bounds}),
        "ws_max_size": most_bytes,
        "ws_ping_interval": PING_SECONDS,
        "ws_ping_timeout": PING_SECONDS,
        "ws_per_message_deflate": False,
    }
