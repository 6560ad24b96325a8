"""The one place that turns errors into answers, in the contract's shape."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ttsai_server.api.schemas import error_schemas
from ttsai_server.errors import (
    ApiError,
    BadRequest,
    DatabaseDown,
    DiskFull,
    FileTooLarge,
    InternalError,
    NotFound,
    UnknownModel,
    UnknownVoice,
)
from ttsai_server.store.db import DatabaseFull, DatabaseUnavailable, UnstorableText

logger = logging.getLogger(__name__)

SPEECH = "/v1/audio/speech"
OPENAI = frozenset((SPEECH, "/v1/audio/transcriptions", "/v1/audio/translations"))
"""OpenAI's paths, among others that begin as they do."""
SENT_AS = {"text": "input", "format": "response_format"}
"""Field of the published API → what OpenAI's speech calls it."""
BY_STATUS: Mapping[int, type[ApiError]] = {404: NotFound, 413: FileTooLarge, 500: InternalError}


def render(error: ApiError, headers: Mapping[str, str] | None = None) -> Response:
    """The contract's error: `{"error": {...}, "message": …}` with its status and headers."""
    inner = {
        "code": error.code,
        "message": error.message,
        "type": error.type,
        "param": error.param,
        **error.extra,
    }
    body = orjson.dumps({"error": inner, "message": error.message, **error.top_level})
    return Response(body, error.status, {**error.headers, **(headers or {})}, "application/json")


def for_path(error: ApiError, path: str) -> ApiError:
    """An error as the dialect of the path tells it.

    OpenAI's paths tell an unknown model as 400, which the vendor's client maps to ModelNotFoundError, and a voice too;
    fields have the names there that the client has sent.
    """
    if path not in OPENAI:
        return error
    if isinstance(error, UnknownModel | UnknownVoice):
        return BadRequest(error.message, param=error.param)
    if isinstance(error, BadRequest) and path == SPEECH and error.param in SENT_AS:
        name = SENT_AS[error.param]
        return BadRequest(error.message.replace(f"'{error.param}'", f"'{name}'"), param=name)
    return error


def bug(request_id: str) -> InternalError:
    """What a client is told of an unexpected fault: nothing but where to look it up."""
    return InternalError(f"Something went wrong on the server. Request id: {request_id}")


def outage(error: BaseException) -> ApiError | None:
    """What a client is told when a disk or the database fails, which passes; None if it is neither of them."""
    if isinstance(error, DatabaseFull) or DiskFull.is_cause(error):
        return DiskFull()
    return DatabaseDown() if isinstance(error, DatabaseUnavailable) else None


def install(app: FastAPI) -> None:
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(OSError, _outage)
    app.add_exception_handler(DatabaseUnavailable, _outage)
    app.add_exception_handler(UnstorableText, _unstorable)
    app.openapi = partial(_with_schemas, app.openapi)


def _with_schemas(made: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    document = made()
    document["components"]["schemas"] |= error_schemas()
    return document


def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    if isinstance(error, InternalError):
        logger.error("%s", error.message, exc_info=error)
        error = bug(request.scope["state"]["request_id"])
    return render(for_path(error, request.scope["path"]))


def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return render(bad_request(error.errors()))


def bad_request(problems: Sequence[Any]) -> BadRequest:
    """The first problem, told as a sentence about the field."""
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
    told = outage(error)
    if told is None:
        raise error
    logger.error("%s %s", told.message, error)
    return render(told)


def _unstorable(request: Request, _: Exception) -> Response:
    """Only ids and cursors, which are looked up, come to the database with any character."""
    return render(NotFound(f"There is no {request.url.path}."))


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if (cause := error.__cause__) and outage(cause):  # FastAPI takes it for a body that can't be read
        return _outage(request, cause)
    if error.status_code == 405:  # the contract has no 405: a path that does not take the method is not there
        return render(NotFound(f"There is no {request.method} {request.url.path}."), error.headers)
    if error.status_code == 404:
        return render(NotFound(f"There is no {request.url.path}."))
    if error.status_code == 400:
        return render(BadRequest(_unreadable(str(error.detail))))
    return render(BY_STATUS.get(error.status_code, InternalError)(str(error.detail)))


def _unreadable(detail: str) -> str:
    """FastAPI says one thing of every body that is not JSON; of a form, Starlette says what is wrong."""
    if detail == "There was an error parsing the body":
        return "The body could not be read: it must be JSON in UTF-8."
    return f"The form could not be read: {detail}"
