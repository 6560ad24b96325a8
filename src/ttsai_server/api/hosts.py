"""Under which names a server without keys answers browsers: pure ASGI middleware.

Any site can make a name of its own lead to its visitors' machines (DNS rebinding). Its pages then have this server's
origin, so that they may read its answers; but the name stays in the header Host, which no page can change.
"""

from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from ttsai_server.api.errors import render
from ttsai_server.api.headers import header
from ttsai_server.errors import Forbidden

LOCAL = (".localhost", ".local", ".internal", ".home.arpa")
"""Ends of names that nobody can register."""
OF_BROWSERS = {b"origin", b"sec-fetch-site", b"accept-language"}
"""Headers of which browsers send at least one with each request, whatever its page wants: not always the first two,
which are missing when a page at a plain http:// address gets something from its own origin."""
NOT_OURS = (
    "This server has no keys: browsers get answers under a name of the local network or that of server.public_url."
)


def is_private(host: str, public_url: str) -> bool:
    """Whether no other site can have a name: an address, a name of local networks, or that of `server.public_url`.

    host: without the port; an address of IPv6 without brackets.
    """
    name = host.lower().rstrip(".")
    if "." not in name or name.endswith(LOCAL) or name == urlsplit(public_url).hostname:
        return True
    with suppress(ValueError):
        return bool(ip_address(name))
    return False


class OwnNames:
    """Refuses browsers' requests, WebSockets among them, under a name that another site can have."""

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        """public_url: that of the settings."""
        self._app = app
        self._public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = scope["type"] != "lifespan" and _is_browsers(scope) and not self._is_ours(header(scope, b"host"))
        await (render(Forbidden(NOT_OURS)) if refused else self._app)(scope, receive, send)

    def _is_ours(self, host: str) -> bool:
        try:
            return is_private(urlsplit(f"//{host}").hostname or "", self._public_url)
        except ValueError:  # such as a bracket that is not closed
            return False


def _is_browsers(scope: Scope) -> bool:
    return any(name in OF_BROWSERS for name, _ in scope["headers"])
