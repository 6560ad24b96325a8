"""Connections that cost a server as much as they can: heads without end, and silence.

Run by `benchmarks.hostile` as a process of its own: floods until standard input is closed.
"""

import asyncio
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

ENDLESS, SILENT = 50, 500
LINE = b"x: " + b"a" * 1000 + b"\r\n"
EVERY_SECONDS = 0.05
"""Between two lines of a head: 1 MB a second of them all."""


@contextmanager
def flooding(url: str) -> Generator[None]:
    """Flood while inside; begins once all the connections are there."""
    command = [sys.executable, "-m", "benchmarks.flood", urlsplit(url).netloc]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            yield
        finally:
            process.communicate()


async def _endless(host: str, port: int) -> None:
    """A head without end; where it is refused, the next."""
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection(host, port)
            writer.write(b"GET / HTTP/1.1\r\n")
            with suppress(ConnectionError):
                while not writer.is_closing():
                    writer.write(LINE)
                    await writer.drain()
                    await asyncio.sleep(EVERY_SECONDS)
            writer.close()


async def _silent(host: str, port: int) -> None:
    """A connection that says nothing; where it is closed, the next."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(host, port)
            await reader.read()
            writer.close()


async def _flood(address: str) -> None:
    host, _, port = address.partition(":")
    works = [_endless(host, int(port)) for _ in range(ENDLESS)] + [_silent(host, int(port)) for _ in range(SILENT)]
    tasks = [asyncio.create_task(work) for work in works]
    await asyncio.sleep(1)
    print("flooding", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(_flood(sys.argv[1]))
