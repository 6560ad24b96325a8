"""Receivers of webhooks: real HTTP servers on free ports, which answer with the bytes that a test prescribes."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Received:
    line: str
    """Such as `POST /hook HTTP/1.1`."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


@dataclass
class Receiver:
    port: int = 0
    connections: int = 0
    received: list[Received] = field(default_factory=list[Received])

    def url(self, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}/hook?to=me"


def says(status: str, *headers: str, body: bytes = b"") -> Answer:
    """A response with this status, such as `200 OK`."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        head = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
        writer.write("\r\n".join(head).encode() + body)
        await writer.drain()

    return answer


@asynccontextmanager
async def receiver(
    *answers: Answer, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncGenerator[Receiver]:
    """Sends the answers in turn, one per connection, and repeats the last one."""
    receiver, serving = Receiver(), set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        receiver.connections += 1
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                receiver.received.append(await _read(reader))
                await answers[min(len(receiver.received), len(answers)) - 1](writer)
        finally:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(begin, host, 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    async with server:
        yield receiver
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
    line, *fields = head.removesuffix("\r\n\r\n").split("\r\n")
    headers = {name.lower(): value for name, value in (header.split(": ", 1) for header in fields)}
    return Received(line, headers, await reader.readexactly(int(headers["content-length"])))
