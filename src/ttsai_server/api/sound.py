"""Answers that are sound: whole with its length, or chunk by chunk as it is made."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack, aclosing
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, cast

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ttsai_server.api.departure import unless_left
from ttsai_server.services.utterance import Utterance

READ_BYTES = 1 << 16
IN_MEMORY_BYTES = 1 << 20
"""A finished answer longer than this is kept on disk while it is sent."""


class WholeSound(Response):
    """A finished file; sent in parts, so that a long one is never in memory at once."""

    def __init__(self, file: IO[bytes], content_type: str, headers: dict[str, str]) -> None:
        size = file.seek(0, 2)
        super().__init__(headers={**headers, "Content-Type": content_type, "Content-Length": str(size)})
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file as file:
            file.seek(0)
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while part := await asyncio.to_thread(file.read, READ_BYTES):
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


class SoundStream(Response):
    """Chunks as they come. An error after the first breaks the connection off: a cut answer must not look whole."""

    def __init__(self, chunks: AsyncGenerator[bytes], content_type: str, headers: dict[str, str]) -> None:
        super().__init__(headers={**headers, "Content-Type": content_type})
        del self.headers["content-length"]
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await unless_left(receive, self._send(send))

    async def _send(self, send: Send) -> None:
        async with aclosing(self._chunks) as chunks:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


async def whole(utterance: Utterance, receive: Receive) -> Response:
    """The speech with its true length and price. Raises what the engine raises, or ClientLeft."""
    with ExitStack() as unfinished:
        file = unfinished.enter_context(SpooledTemporaryFile[bytes](IN_MEMORY_BYTES))
        await unless_left(receive, _drain(utterance.chunks(cast(BinaryIO, file))))
        unfinished.pop_all()  # the answer closes the file
    headers = {**credit_headers(utterance), "X-Audio-Seconds": f"{utterance.seconds:.3f}"}
    return WholeSound(file, utterance.content_type, headers)


async def begun(utterance: Utterance, receive: Receive) -> AsyncGenerator[bytes]:
    """The chunks, once the first has been made: until then an error can still be an answer. Raises as `whole`."""
    chunks = utterance.chunks()
    first = await unless_left(receive, _first(chunks))
    return _from(first, chunks)


def credit_headers(utterance: Utterance) -> dict[str, str]:
    """The price and what is left; nothing where nobody pays."""
    hold = utterance.hold
    ignored = ", ".join(utterance.script.ignored)
    warning = {"Warning": f'299 - "Ignored, unknown to the engine: {_ascii(ignored)}"'} if ignored else {}
    if hold.remaining is None:
        return warning
    return {"X-Credits-Used": str(hold.credits), "X-Credits-Remaining": str(hold.remaining), **warning}


def _ascii(text: str) -> str:
    return "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "?" for c in text)[:200]


async def _drain(chunks: AsyncGenerator[bytes]) -> None:
    async with aclosing(chunks):
        async for _ in chunks:
            pass


async def _first(chunks: AsyncIterator[bytes]) -> bytes:
    async for chunk in chunks:
        if chunk:
            return chunk
    return b""


async def _from(first: bytes, chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(chunks):
        yield first
        async for chunk in chunks:
            if chunk:
                yield chunk
