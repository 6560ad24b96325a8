"""Streamed responses, and server-sent events."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ttsai_server.api.disconnect import cancel_on_disconnect
from ttsai_server.api.errors import unexpected_error
from ttsai_server.errors import ApiError, InternalError
from ttsai_server.services.billing import Hold


class ChunkStream(Response):
    """Sends chunks as they arrive. A later error breaks the connection, so that the answer does not look complete."""

    def __init__(self, chunks: AsyncGenerator[bytes], content_type: str, headers: Mapping[str, str]) -> None:
        super().__init__(headers={**headers, "Content-Type": content_type})
        del self.headers["content-length"]
        self._chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await cancel_on_disconnect(receive, self._send(send))

    async def _send(self, send: Send) -> None:
        async with aclosing(self._chunks) as chunks:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


class EventStream(ChunkStream):
    """Server-sent events. An error after the start is sent as an event, because the status has been sent already."""

    def __init__(self, events: AsyncGenerator[bytes], headers: Mapping[str, str], request_id: str) -> None:
        reported = _with_error_event(events, request_id)
        super().__init__(reported, "text/event-stream", {**headers, "Cache-Control": "no-cache"})


def event(data: Mapping[str, object]) -> bytes:
    """One server-sent event, in the format of the HTML standard; its name is the `type` in `data`."""
    return b"event: " + str(data["type"]).encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"


async def after_first_chunk(chunks: AsyncGenerator[bytes], receive: Receive) -> AsyncGenerator[bytes]:
    """Wait for the first chunk, so that an error before it can still be an answer. → all chunks that are not empty.

    Raises what the chunks raise, or ClientDisconnected.
    """
    first = await cancel_on_disconnect(receive, _first(chunks))
    return _from(first, chunks)


def credit_headers(hold: Hold) -> dict[str, str]:
    """The price and the remaining credits; no headers if billing is off."""
    if hold.remaining is None:
        return {}
    return {"X-Credits-Used": str(hold.credits), "X-Credits-Remaining": str(hold.remaining)}


async def _with_error_event(events: AsyncGenerator[bytes], request_id: str) -> AsyncGenerator[bytes]:
    async with aclosing(events):
        try:
            async for each in events:
                yield each
        except ApiError as error:
            shown = unexpected_error(request_id) if isinstance(error, InternalError) else error
            yield event({"type": "error", "error": {"code": shown.code, "message": shown.message}})
            raise


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
