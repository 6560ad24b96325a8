"""WebSocket connections: uvicorn's, with limits.

They carry `/v1/realtime`, ElevenLabs' `stream-input`, the pages of the console, and the steps of models between nodes;
any other offer to upgrade is ignored.
"""

import re
from http import HTTPStatus
from secrets import token_hex
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.frames import Frame
from websockets.http11 import Response
from websockets.server import ServerProtocol
from websockets.typing import StatusLike

from ttsai_server.api.errors import render
from ttsai_server.cli.unread import WatchedProtocol
from ttsai_server.errors import BadRequest
from ttsai_server.settings import Server

PATHS = re.compile(
    rb"((/api)?/(v1/realtime|elevenlabs/v1/text-to-speech/[^/?]+/(multi-)?stream-input)/?"
    rb"|/console/_nicegui_ws/socket\.io/)(\?.*)?"
    rb"|/worker/[^/?]+(/unload)?"
)
"""Targets of the requests that may become a WebSocket."""
PING_SECONDS = 20.0
"""How often a client is asked whether it is still there, and how long it may take to answer."""
MOST_FRAGMENTS = 1024
"""Frames that one message may come in."""
TOO_BIG = 1009
"""Code of closing for a message that is too long, RFC 6455 §7.4.1."""


class Handshake(ServerProtocol):
    """websockets' side of a connection, whose refusals are in the contract's format."""

    def reject(self, status: StatusLike, text: str) -> Response:
        """The refusal of a handshake: always 400. text: why, in its first line."""
        # the version that is spoken here: RFC 6455 §4.4
        headers = {"X-Request-Id": token_hex(16), "Connection": "close", "Sec-WebSocket-Version": "13"}
        answer = render(BadRequest(text.partition("\n")[0]), headers)
        reason = HTTPStatus(answer.status_code).phrase
        return Response(answer.status_code, reason, Headers(answer.headers.items()), bytes(answer.body))


class WebSocketConnection(WatchedProtocol, WebSocketsSansIOProtocol):
    """One WebSocket. A client that is gone, or reads nothing, loses it at once: nothing waits to be sent to it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.conn = Handshake(max_size=self.config.ws_max_size, logger=self.logger)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc and not self.handshake_initiated:  # uvicorn would wait for another head
            self.transport.write(self.conn.reject(HTTPStatus.BAD_REQUEST, str(self.conn.handshake_exc)).serialize())
            self.transport.close()

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
