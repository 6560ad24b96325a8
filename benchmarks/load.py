"""A load generator in a process of its own, so that its cost is not the server's: keep-alive connections that send one
request over and over, each the next as soon as the answer to the last is whole.

Run by `benchmarks.overhead`: one JSON object on standard input, one on standard output.
"""

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, cast
from urllib.parse import urlsplit

import httptools
import uvloop


@dataclass(frozen=True, slots=True)
class Load:
    """What a generator did."""

    requests: int
    failed: int
    """Answers that were not 200."""
    seconds: float
    bytes: int

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def generate(
    url: str, path: str, key: str = "", body: Any = None, *, connections: int = 16, seconds: float = 4
) -> Load:
    """Load a server for `seconds`, or, if they are 0, with one request a connection."""
    spec = {"url": url, "head": _head(url, path, key, body), "connections": connections, "seconds": seconds}
    command = [sys.executable, "-m", "benchmarks.load"]
    done = subprocess.run(
        command, input=json.dumps(spec), check=True, stdout=subprocess.PIPE, text=True, timeout=seconds + 60
    )
    return Load(**json.loads(done.stdout))


def _head(url: str, path: str, key: str, body: Any) -> str:
    data = json.dumps(body) if body else ""
    lines = [f"{'POST' if body else 'GET'} {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}"]
    lines += [f"Authorization: Bearer {key}"] if key else []
    lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"] if body else []
    return "\r\n".join([*lines, "", data])


@dataclass
class _Tally:
    until: float
    requests: int = 0
    failed: int = 0
    bytes: int = 0
    open: set[asyncio.Future[None]] = field(default_factory=set[asyncio.Future[None]])


class _Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, head: bytes, tally: _Tally) -> None:
        self._head = head
        self._tally = tally
        self._ended = asyncio.get_running_loop().create_future()
        tally.open.add(self._ended)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is of no class of asyncio's
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        self._tally.bytes += len(data)
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._tally.requests += 1
        self._tally.failed += self._parser.get_status_code() != 200
        if perf_counter() < self._tally.until:
            self._transport.write(self._head)
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended.set_result(None)


async def _run(spec: dict[str, Any]) -> dict[str, float]:
    loop, address = asyncio.get_running_loop(), urlsplit(spec["url"])
    began = perf_counter()
    tally = _Tally(began + spec["seconds"])
    for _ in range(spec["connections"]):
        await loop.create_connection(lambda: _Client(spec["head"].encode(), tally), address.hostname, address.port)
    await asyncio.wait(tally.open)
    seconds = perf_counter() - began
    return {"requests": tally.requests, "failed": tally.failed, "seconds": seconds, "bytes": tally.bytes}


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_run(json.load(sys.stdin)))))
