"""/mcp: the Model Context Protocol (https://modelcontextprotocol.io), Streamable HTTP, by the official SDK."""

import asyncio
from importlib.util import find_spec
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ttsai_server.api.deps import Services
from ttsai_server.api.errors import render
from ttsai_server.errors import ModelLoading, NotReady

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

PATH = "/mcp"


class McpEndpoint:
    """The ASGI application at /mcp. Requests stand alone: nothing is kept between them, so any server may have them."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._wanted = asyncio.Event()
        self._ready = asyncio.Event()
        self._manager: StreamableHTTPSessionManager | None = None

    async def run(self) -> None:
        """From the first request on, until cancelled: have the SDK's session manager run."""
        await self._wanted.wait()
        try:
            manager = await asyncio.to_thread(self._load)
            async with manager.run():
                self._manager = manager
                self._ready.set()
                await asyncio.Event().wait()
        finally:
            self._manager = None
            self._ready.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":  # the protocol's answer of a server that begins no messages and keeps no sessions
            return await Response(status_code=405, headers={"Allow": "POST"})(scope, receive, send)
        if not find_spec("mcp"):
            error = NotReady("The package for /mcp is not installed. Run: pip install 'ttsai-server[mcp]'")
            return await render(error)(scope, receive, send)
        self._wanted.set()
        await self._ready.wait()
        if not self._manager:
            return await render(ModelLoading("The server is stopping.", retry_after=5))(scope, receive, send)
        return await self._manager.handle_request(scope, receive, send)

    def _load(self) -> "StreamableHTTPSessionManager":
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        from ttsai_server.api.mcp_tools import tool_server

        most = self._services.settings.mcp.max_body_bytes
        return StreamableHTTPSessionManager(tool_server(self._services), stateless=True, max_request_body_size=most)
