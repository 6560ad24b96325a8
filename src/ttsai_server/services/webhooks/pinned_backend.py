"""Connects to the address that was checked: a name is resolved only once, so DNS can't change in between (rebinding).

TLS and the header Host still use the name. A module of its own, because importing httpcore takes a while.
"""

import asyncio
from collections.abc import Iterable
from typing import cast

import httpcore

from ttsai_server.services.webhooks.ip_policy import is_public
from ttsai_server.services.webhooks.resolver import Resolver


class PinnedBackend(httpcore.AsyncNetworkBackend):
    def __init__(
        self, resolver: Resolver, *, allow_private: bool, network: httpcore.AsyncNetworkBackend | None = None
    ) -> None:
        """network: makes the connections; it gets IP addresses, never names."""
        self._resolver = resolver
        self._allow_private = allow_private
        self._network = network or cast(httpcore.AsyncNetworkBackend, httpcore.AnyIOBackend())  # 2 definitions

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 named by httpcore
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve and connect within `timeout` seconds in total. Raises httpcore's ConnectError or ConnectTimeout."""
        try:
            async with asyncio.timeout(timeout):
                return await self._first(await self._addresses(host, port), port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout from error

    async def _addresses(self, host: str, port: int) -> list[str]:
        """The host's addresses. Raises ConnectError if any is not public: a mix suggests an attack."""
        try:
            found = await self._resolver.resolve(host, port)
        except OSError as error:
            raise httpcore.ConnectError("its name is not known") from error
        if not self._allow_private and not all(map(is_public, found)):
            raise httpcore.ConnectError("its name stands for an address that is not public")
        return found

    async def _first(self, addresses: list[str], port: int) -> httpcore.AsyncNetworkStream:
        failed = httpcore.ConnectError("its name stands for no address")
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port)
            except httpcore.ConnectError as error:
                failed = error
        raise failed
