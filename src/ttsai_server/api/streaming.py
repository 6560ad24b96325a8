"""Answers that are sent as they are made, and server-sent events."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ttsai_server.api.disconnect import cancel_on_disconnect
from ttsai_server.api.errors import bug
from ttsai_server.errors import ApiError, InternalError
from ttsai_server.services.billing import Hold


class ChunkStream(Response):
    """Chunks as they come. An error after the first breaks the connection off: a cut answer must not look whole."""

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
    """Server-sent events. A failure half-way is an event too, since the status is gone already."""

    def __init__(self, events: AsyncGenerator[bytes], headers: Mapping[str, str], request_id: str) -> None:
        reported = _with_error_event(events, request_id)
        super().__init__(reported, "text/event-stream", {**headers, "Cache-Control": "no-cache"})


def event(data: Mapping[str, object]) -> bytes:
    """One event, named by its `type`, as the HTML standard writes it and OpenAI's clients read it."""
    return b"event: " + str(data["type"]).encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"


async def after_first_chunk(chunks: AsyncGenerator[bytes], receive: Receive) -> AsyncGenerator[bytes]:
    """The chunks that are not empty, once the first has been made: until then an error can still be an answer.

    Raises what the chunks raise, or ClientLeft.
    """
    first = await cancel_on_disconnect(receive, _first(chunks))
    return _from(first, chunks)


def credit_headers(hold: Hold) -> dict[str, str]:
    """The price and what is left; nothing where nobody pays."""
    if hold.remaining is None:
        return {}
    return {"X-Credits-Used": str(hold.credits), "X-Credits-Remaining": str(hold.remaining)}


async def _with_error_event(events: AsyncGenerator[bytes], request_id: str) -> AsyncGenerator[bytes]:
    async with aclosing(events):
        try:
            async for each in events:
                yield each
        except ApiError as error:
            shown = bug(request_id) if isinstance(error, InternalError) else error
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
