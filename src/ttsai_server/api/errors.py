"""Turns exceptions into responses in the contract's format; no other module does."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import orjson
from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ttsai_server.api.schemas import error_schemas
from ttsai_server.errors import (
    ApiError,
    BadRequest,
    DatabaseDown,
    DiskFull,
    FileTooLarge,
    InsufficientCredits,
    InternalError,
    NotFound,
    Unauthorized,
    UnknownModel,
    UnknownVoice,
)
from ttsai_server.store.db import DatabaseFull, DatabaseUnavailable, UnstorableText

logger = logging.getLogger(__name__)

SPEECH = "/v1/audio/speech"
OPENAI = frozenset((SPEECH, "/v1/audio/transcriptions", "/v1/audio/translations"))
"""The paths of OpenAI's API; other paths under /v1/audio/ are not OpenAI's."""
OPENAI_FIELDS = {"text": "input", "format": "response_format"}
"""Field of the published API → its name in OpenAI's speech endpoint."""
ELEVENLABS = "/elevenlabs/"
"""What the paths of ElevenLabs' API begin with."""
ELEVENLABS_STATUS: Mapping[type[ApiError], str] = {
    Unauthorized: "invalid_api_key",
    InsufficientCredits: "quota_exceeded",
    UnknownModel: "model_not_found",
    UnknownVoice: "voice_not_found",
}
"""Error → the `status` that ElevenLabs has for it; the others have our code."""
BY_STATUS: Mapping[int, type[ApiError]] = {404: NotFound, 413: FileTooLarge, 500: InternalError}


class ErrorResponse(Response):
    """An error, `{"error": {...}, "message": …}`; on ElevenLabs' paths as its clients read it."""

    def __init__(self, error: ApiError, headers: Mapping[str, str]) -> None:
        inner = {
            "code": error.code,
            "message": error.message,
            "type": error.type,
            "param": error.param,
            **error.extra,
        }
        body = orjson.dumps({"error": inner, "message": error.message, **error.top_level})
        super().__init__(body, error.status, {**error.headers, **headers}, "application/json")
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if is_elevenlabs(scope["path"]):
            self.body = orjson.dumps(elevenlabs_error(self._error))
            self.headers["Content-Length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


def render(error: ApiError, headers: Mapping[str, str] | None = None) -> Response:
    """The response for an error: its body, status and headers, and `headers`."""
    return ErrorResponse(error, headers or {})


def is_elevenlabs(path: str) -> bool:
    """Whether a path is one of ElevenLabs' API."""
    return path.startswith(ELEVENLABS)


def elevenlabs_error(error: ApiError) -> dict[str, Any]:
    """The body of an error as ElevenLabs' clients read it."""
    status = next((status for kind, status in ELEVENLABS_STATUS.items() if isinstance(error, kind)), error.code)
    return {"detail": {"status": status, "message": error.message, "param": error.param, **error.extra}}


def for_path(error: ApiError, path: str) -> ApiError:
    """The error as clients of this path expect it.

    On OpenAI's paths an unknown model or voice is a 400, which the vendor's client maps to ModelNotFoundError, and
    fields have OpenAI's names.
    """
    if path not in OPENAI:
        return error
    if isinstance(error, UnknownModel | UnknownVoice):
        return BadRequest(error.message, param=error.param)
    if isinstance(error, BadRequest) and path == SPEECH and error.param in OPENAI_FIELDS:
        name = OPENAI_FIELDS[error.param]
        return BadRequest(error.message.replace(f"'{error.param}'", f"'{name}'"), param=name)
    return error


def unexpected_error(request_id: str) -> InternalError:
    """The error that a client gets for an unexpected exception: only the request id, for finding it in the log."""
    return InternalError(f"Something went wrong on the server. Request id: {request_id}")


def outage(error: BaseException) -> ApiError | None:
    """The error for a full disk or an unavailable database, which are temporary; None for any other exception."""
    if isinstance(error, DatabaseFull | DiskFull) or DiskFull.is_cause(error):
        return DiskFull()
    return DatabaseDown() if isinstance(error, DatabaseUnavailable) else None


def install(app: FastAPI) -> None:
    """Register the exception handlers, and add the error schemas to OpenAPI."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(WebSocketRequestValidationError, _invalid_handshake)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(OSError, _outage)
    app.add_exception_handler(DatabaseUnavailable, _outage)
    app.add_exception_handler(UnstorableText, _unstorable)
    app.openapi = partial(_with_schemas, app.openapi)


def _with_schemas(build: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    document = build()
    document["components"]["schemas"] |= error_schemas()
    return document


def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    if isinstance(error, InternalError):
        logger.error("%s", error.message, exc_info=error)
        error = unexpected_error(request.scope["state"]["request_id"])
    return render(for_path(error, request.scope["path"]))


def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return render(bad_request(error.errors()))


async def _invalid_handshake(socket: WebSocket, error: Exception) -> None:
    assert isinstance(error, WebSocketRequestValidationError)
    await socket.send_denial_response(render(bad_request(error.errors())))


def bad_request(problems: Sequence[Any]) -> BadRequest:
    """The error for the first of pydantic's `problems`, with a sentence about the field."""
    first = problems[0]
    field = ".".join(str(part) for part in first["loc"][1:])
    if first["type"] == "json_invalid":
        return BadRequest(f"The body is not valid JSON: {first['ctx']['error']}.")
    if not field:
        return BadRequest("The body must be a JSON object, sent with Content-Type: application/json.")
    if first["type"] == "missing":
        return BadRequest(f"{field!r} is required.", param=field)
    if "UploadFile" in first["msg"]:
        return BadRequest(f"{field!r} must be a file.", param=field)
    return BadRequest(f"{field!r}: {first['msg']}.", param=field)


def _outage(_: Request, error: BaseException) -> Response:
    known = outage(error)
    if known is None:
        raise error
    logger.error("%s %s", known.message, error)
    return render(known)


def _unstorable(request: Request, _: Exception) -> Response:
    """A 404: ids and cursors reach the database unchecked, with characters that it can't store."""
    return render(NotFound(f"There is no {request.url.path}."))


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if (cause := error.__cause__) and outage(cause):  # FastAPI reports it as an unreadable body
        return _outage(request, cause)
    if error.status_code == 405:  # the contract has no 405: a path without this method does not exist
        return render(NotFound(f"There is no {request.method} {request.url.path}."), error.headers)
    if error.status_code == 404:
        return render(NotFound(f"There is no {request.url.path}."))
    if error.status_code == 400:
        return render(BadRequest(_unreadable(str(error.detail))))
    return render(BY_STATUS.get(error.status_code, InternalError)(str(error.detail)))


def _unreadable(detail: str) -> str:
    """The message for a body that can't be parsed: FastAPI has one text for JSON; Starlette explains a form's error."""
    if detail == "There was an error parsing the body":
        return "The body could not be read: it must be JSON in UTF-8."
    return f"The form could not be read: {detail}"
