"""One attempt to deliver a webhook: a POST and its outcome."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ttsai_server import __version__
from ttsai_server.errors import BadRequest
from ttsai_server.services.webhooks.resolver import Resolver
from ttsai_server.services.webhooks.schedule import BUSY, retry_after
from ttsai_server.services.webhooks.target import Target, check_url
from ttsai_server.settings import Webhooks

if TYPE_CHECKING:
    import httpcore

EXCERPT_BYTES = 1024
"""How much of a response body is read and logged."""
HEADERS = {"Content-Type": "application/json", "User-Agent": f"ttsai-server/{__version__}"}


@dataclass(frozen=True, slots=True)
class Outcome:
    seconds: float
    """Duration."""
    error: str | None
    """Why it failed; None if the receiver accepted it."""
    status: int | None = None
    """HTTP status; None if no answer came."""
    excerpt: str = ""
    """The beginning of the response body."""
    retry_after: float | None = None
    """Seconds to wait, from a busy receiver's Retry-After; else None."""


class WebhookClient:
    """An HTTP client without redirects, proxies, kept connections or cookies."""

    def __init__(self, settings: Webhooks, resolver: Resolver) -> None:
        self._settings = settings
        self._resolver = resolver

    async def deliver(self, url: str, headers: Mapping[str, str], body: str) -> Outcome:
        """Make one attempt. Errors of the receiver or the network are in the outcome, not raised."""
        import httpcore

        started = time.perf_counter()
        try:
            response, excerpt = await self._post(check_url(url, self._settings), headers, body)
        except (httpcore.TimeoutException, TimeoutError):
            error = "No answer in time."
        except httpcore.ConnectError as failure:
            error = f"Could not connect: {_reason(failure)}"
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as failure:
            error = f"The connection broke: {_reason(failure)}"
        except BadRequest as refusal:
            error = refusal.message
        else:
            return _outcome(response, excerpt, time.perf_counter() - started)
        return Outcome(time.perf_counter() - started, error)

    async def _post(self, target: Target, headers: Mapping[str, str], body: str) -> "tuple[httpcore.Response, bytes]":
        import httpcore

        request = httpcore.Request(
            "POST",
            httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path),
            headers={"Host": target.authority, "Content-Length": str(len(body.encode())), **HEADERS, **headers},
            content=body.encode(),
            extensions={"timeout": {"connect": self._settings.connect_seconds}},
        )
        deadline = asyncio.get_running_loop().time() + self._settings.timeout_seconds
        async with self._connection(request.url.origin) as connection:
            async with asyncio.timeout_at(deadline):
                response = await connection.handle_async_request(request)
            return response, await _beginning(response, deadline)

    def _connection(self, origin: "httpcore.Origin") -> "httpcore.AsyncHTTPConnection":
        import httpcore

        return httpcore.AsyncHTTPConnection(origin, ssl_context=self._tls, network_backend=self._backend)

    @cached_property
    def _backend(self) -> "httpcore.AsyncNetworkBackend":
        from ttsai_server.services.webhooks.pinned_backend import PinnedBackend

        return PinnedBackend(self._resolver, allow_private=self._settings.allow_private)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Trusts the machine's certificates (or `SSL_CERT_FILE`) and certifi's. Cached: reading them takes 20 ms."""
        import certifi

        context = ssl.create_default_context()
        context.load_verify_locations(certifi.where())
        return context


async def _beginning(response: "httpcore.Response", deadline: float) -> bytes:
    """The first EXCERPT_BYTES of the body, or less if it breaks off or is too slow: only the status matters."""
    import httpcore

    read = bytearray()
    with suppress(TimeoutError, ssl.SSLError, httpcore.NetworkError, httpcore.ProtocolError):
        async with asyncio.timeout_at(deadline):
            async for chunk in response.aiter_stream():
                read += chunk
                if len(read) >= EXCERPT_BYTES:
                    break
    return bytes(read[:EXCERPT_BYTES])


def _outcome(response: "httpcore.Response", excerpt: bytes, seconds: float) -> Outcome:
    text = excerpt.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")  # Postgres keeps no NUL
    headers = {name.lower(): value for name, value in response.headers}
    wait = retry_after(headers.get(b"retry-after", b"").decode("latin-1")) if response.status in BUSY else None
    return Outcome(seconds, _fault(response.status), response.status, text, wait)


def _fault(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    return f"HTTP {status}: redirects are not followed." if 300 <= status < 400 else f"HTTP {status}."


def _reason(failure: Exception) -> str:
    return f"{str(failure).rstrip('.')[:200]}."
