"""Host names → IP addresses."""

import asyncio
import socket
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor

THREADS = 4


class Resolver(ABC):
    @abstractmethod
    async def resolve(self, host: str, port: int) -> list[str]:
        """All IP addresses of a host name, in the order to try them. Raises OSError if it has none."""

    @abstractmethod
    def close(self) -> None: ...


class SystemResolver(Resolver):
    """The system's resolver, in dedicated threads: a name server that never answers delays only webhooks."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, "webhook-dns")

    async def resolve(self, host: str, port: int) -> list[str]:
        run = asyncio.get_running_loop().run_in_executor
        found = await run(self._threads, socket.getaddrinfo, host, port, socket.AF_UNSPEC, socket.SOCK_STREAM)
        return [str(address[0]) for *_, address in found]

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
