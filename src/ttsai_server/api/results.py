"""GET /v1/results/{id}, with or without an extension, /v1/audio/tmp/{id} and /static/downloads/{id}/…: no key, the id
can't be guessed."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from ttsai_server.api.audio_response import file_headers
from ttsai_server.api.deps import ServicesDep
from ttsai_server.api.ranges import requested_range, unchanged
from ttsai_server.api.schemas import errors
from ttsai_server.errors import NotFound
from ttsai_server.store.results import Result, Results

ANSWERS = {
    200: {"description": "The result.", "content": {"*/*": {}}},
    206: {"description": "The bytes asked for by `Range`.", "content": {"*/*": {}}},
    304: {"description": "The client has it, by `If-None-Match`."},
    **errors(404, 416, 500),
}

router = APIRouter(tags=["results"])


@router.get("/v1/audio/tmp/{name}", response_class=Response, responses=ANSWERS)
@router.get("/v1/results/{name}", response_class=Response, responses=ANSWERS)
async def result(name: str, request: Request, services: ServicesDep) -> Response:
    """A result by its id, or as `{id}.mp3` if that is its format. Supports `Range`."""
    id, dot, extension = name.partition(".")
    found = await services.results.get(id)
    if dot and extension.lower() != found.extension:
        raise NotFound(f"This result is no {extension[:20]!r} file.")
    return await _answer(found, request, services.results)


@router.get("/static/downloads/{id}/{name}", response_class=Response, responses=ANSWERS)
async def download(id: str, name: str, request: Request, services: ServicesDep) -> Response:
    """A result in its own format, whatever `name` is: the SDKs request `tts_output.wav` before they know the format."""
    return await _answer(await services.results.get(id), request, services.results)


async def _answer(result: Result, request: Request, results: Results) -> Response:
    headers = _headers(result)
    if unchanged(request.headers, result.etag):
        return Response(status_code=304, headers=headers)
    whole = {**headers, "Content-Length": str(result.size)}
    if request.method == "HEAD":
        return Response(headers=whole, media_type=result.content_type)
    span = requested_range(request.headers, result.size, result.etag)
    if span is None:
        return await _stream(result, range(result.size), results, 200, whole)
    part = {"Content-Length": str(len(span)), "Content-Range": f"bytes {span.start}-{span.stop - 1}/{result.size}"}
    return await _stream(result, span, results, 206, {**headers, **part})


async def _stream(result: Result, span: range, results: Results, status: int, headers: dict[str, str]) -> Response:
    chunks = results.read(result, span.start, span.stop)
    first = await anext(chunks, b"")  # read before the status is sent, so that a missing file is still a 404
    return StreamingResponse(_from(first, chunks), status, headers, result.content_type)


async def _from(first: bytes, chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(chunks):
        yield first
        async for chunk in chunks:
            yield chunk


def _headers(result: Result) -> dict[str, str]:
    return {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private",
        **file_headers(result.name),
        "ETag": result.etag,
        "X-Content-Type-Options": "nosniff",
    }
