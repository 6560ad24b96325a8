"""All errors that clients can get, as one class tree.

    ApiError
    ├── BadRequest            400 bad_request
    │   ├── NoSuchRange       416 bad_request: the requested bytes of a result do not exist
    │   └── HeadTooLarge      431 bad_request: the request's first line and headers
    ├── Unauthorized          401 unauthorized
    ├── InsufficientCredits   402 insufficient_credits
    ├── Forbidden             403 forbidden
    ├── NotFound              404 not_found
    │   ├── UnknownModel      404 not_found (400 on the OpenAI paths)
    │   └── UnknownVoice      404 not_found (400 on the OpenAI paths)
    ├── FileTooLarge          413 file_too_large
    ├── ResultTooLarge        413 file_too_large: a result larger than an account may keep in all
    ├── RateLimited           429 rate_limited
    ├── InternalError         500 internal_error
    │   └── EngineFailed      500 internal_error: an engine failed during its work
    ├── ModelLoading          503 model_loading, retry later: the model is being loaded, or is saturated
    │   ├── ModelCrashed      503 model_loading: the model's process died during the work
    │   ├── StoreFull         503 model_loading: the results store, or the account's share of it, is full
    │   ├── DiskFull          503 model_loading: the disk is full
    │   ├── DatabaseDown      503 model_loading: the database does not answer, or can't be written
    │   ├── StorageDown       503 model_loading: the bucket that results lie in does not answer
    │   ├── ChatServerDown    503 model_loading: the server of the chat model does not answer
    │   └── LimiterDown       503 model_loading: requests can't be counted, so none is admitted
    └── NotReady              503 model_loading, retrying does not help: the operator must act
        ├── WeightsMissing    503 model_loading: the weights are not on this machine
        ├── PackagesMissing   503 model_loading: packages that the model needs are not installed
        ├── NoChatModel       503 model_loading: no chat model is configured, or its server refuses us
        ├── PullFailed        503 model_loading: the weights could not be downloaded from any source
        └── InstallFailed     503 model_loading: the model's Python environment could not be created

All layers raise these; only `api.errors` turns them into responses. BadCard is not among them: it prevents the start.
"""

import errno
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, TypeGuard


class ApiError(Exception):
    """An error with its HTTP status and the contract's code."""

    status: ClassVar[int]
    """HTTP status."""
    code: ClassVar[str]
    """The contract's error code."""
    type: ClassVar[str] = "invalid_request_error"
    """OpenAI's error type."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        """The request field at fault, if any."""

    @property
    def extra(self) -> Mapping[str, object]:
        """Additional fields inside `error`."""
        return {}

    @property
    def top_level(self) -> Mapping[str, object]:
        """Additional fields beside `error`, for the vendor's SDKs."""
        return {}

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of the response."""
        return {}


class BadRequest(ApiError):
    status, code = 400, "bad_request"


class NoSuchRange(BadRequest):
    status = 416

    def __init__(self, size: int) -> None:
        super().__init__(f"The result has {size} bytes, and none of those asked for.")
        self.size = size

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Content-Range": f"bytes */{self.size}"}


class HeadTooLarge(BadRequest):
    status = 431

    def __init__(self, most: int) -> None:
        super().__init__(f"The head of a request may have at most {most} bytes.")


class Unauthorized(ApiError):
    status, code, type = 401, "unauthorized", "authentication_error"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class InsufficientCredits(ApiError):
    status, code, type = 402, "insufficient_credits", "insufficient_quota"

    def __init__(self, required: int, available: int) -> None:
        super().__init__(f"This request costs {required} credits; {available} are available.")
        self.required = required
        self.available = available

    @property
    def extra(self) -> Mapping[str, object]:
        return {"credits_required": self.required, "credits_available": self.available}

    @property
    def top_level(self) -> Mapping[str, object]:
        return {"credits_needed": self.required, "credits_remaining": self.available}


class Forbidden(ApiError):
    status, code, type = 403, "forbidden", "permission_error"


class NotFound(ApiError):
    status, code = 404, "not_found"


class UnknownModel(NotFound):
    def __init__(self, model: str, *, does: str = "") -> None:
        """does: the capability of the model with this name, if it exists but lacks the one that is needed."""
        reason = f"The model {model!r} is for {does}, not for this" if does else f"Unknown model: {model!r}"
        super().__init__(f"{reason}. GET /v1/models/ lists the models.", param="model")


class UnknownVoice(NotFound):
    def __init__(self, voice: str) -> None:
        super().__init__(f"Unknown voice: {voice[:80]!r}. GET /v1/voices/ lists the voices.", param="voice")


class FileTooLarge(ApiError):
    status, code = 413, "file_too_large"

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Connection": "close"}  # the rest of the body is not read


class ResultTooLarge(ApiError):
    status, code = 413, "file_too_large"

    def __init__(self, size: int, most: int) -> None:
        """size: of the result, bytes. most: that an account may keep in all, bytes."""
        super().__init__(
            f"What is to be kept has {size / 1e6:.1f} MB; an account may keep {most / 1e6:g} MB in all. Ask for less, "
            "or for a format that is compressed."
        )


NO_RETRY = {"X-Should-Retry": "false"}
"""Stops the retries of OpenAI's clients, which retry a 503 that has neither this nor `Retry-After`."""
LONGEST_WAIT_SECONDS = 60
"""The longest `Retry-After` that all of OpenAI's clients respect; after a longer one some retry at once."""


class _RetryLater(ApiError):
    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds after which to try again."""

    @property
    def headers(self) -> Mapping[str, str]:
        seconds = max(1, round(self.retry_after + 0.499))
        return {"Retry-After": str(seconds), **(NO_RETRY if seconds > LONGEST_WAIT_SECONDS else {})}


class RateLimited(_RetryLater):
    status, code, type = 429, "rate_limited", "rate_limit_error"

    def __init__(self, message: str, *, retry_after: float, rate_headers: Mapping[str, str]) -> None:
        super().__init__(message, retry_after=retry_after)
        self.rate_headers = rate_headers
        """The X-RateLimit-… headers, for any response to this request."""

    @property
    def headers(self) -> Mapping[str, str]:
        return {**super().headers, **self.rate_headers}


class InternalError(ApiError):
    status, code, type = 500, "internal_error", "server_error"


class EngineFailed(InternalError):
    pass


class ModelLoading(_RetryLater):
    status, code, type = 503, "model_loading", "server_error"


class ModelCrashed(ModelLoading):
    """The model's process died while it worked on this request or a concurrent one."""


class StoreFull(ModelLoading):
    def __init__(self, whose: str = "The results store is full", *, retry_after: float) -> None:
        super().__init__(f"{whose}; room comes when results expire.", retry_after=retry_after)


class LimiterDown(ModelLoading):
    def __init__(self) -> None:
        super().__init__("The rate limits' Redis does not answer.", retry_after=5)


class ChatServerDown(ModelLoading):
    """The server of the chat model does not answer, or stopped in the middle of an answer."""


class DatabaseDown(ModelLoading):
    def __init__(self) -> None:
        super().__init__("The database does not answer.", retry_after=5)


class StorageDown(ModelLoading):
    def __init__(self) -> None:
        super().__init__("The store of uploads and results does not answer.", retry_after=5)


class DiskFull(ModelLoading):
    NUMBERS: ClassVar = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

    def __init__(self) -> None:
        super().__init__("The server's disk has no room for this now.", retry_after=60)

    @classmethod
    def is_cause(cls, error: BaseException | None) -> TypeGuard[OSError]:
        """Whether an exception means that the disk, or a quota, is full."""
        return isinstance(error, OSError) and error.errno in cls.NUMBERS


class NotReady(ApiError):
    """Something that the request needs is not on this machine, and waiting does not help."""

    status, code, type = 503, "model_loading", "server_error"

    @property
    def headers(self) -> Mapping[str, str]:
        return NO_RETRY


class WeightsMissing(NotReady):
    def __init__(self, model: str) -> None:
        super().__init__(
            f"The weights of {model!r} are not on this machine. Run: ttsai-server models pull {model}", param="model"
        )


class PackagesMissing(NotReady):
    def __init__(self, model: str, install: str) -> None:
        """install: the command that installs them. The message also has the command that downloads the weights."""
        command = f"{install} && ttsai-server models pull {model}"
        super().__init__(f"The packages that {model!r} needs are not installed. Run: {command}", param="model")


class NoChatModel(NotReady):
    """No chat model is configured, or not one that can be used."""


class PullFailed(NotReady):
    def __init__(self, model: str, reasons: Sequence[str]) -> None:
        lines = "".join(f"\n  {reason}" for reason in reasons)
        super().__init__(f"The weights of {model!r} could not be fetched:{lines}")


class InstallFailed(NotReady):
    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"The environment of {model!r} could not be made: {reason}")


class BadCard(ValueError):
    """A model card is invalid."""

    def __init__(self, file: Path, key: str, reason: str) -> None:
        super().__init__(f"{file}: {key}: {reason}")
        self.file = file
        self.key = key
        """Path of the key in the file, such as `voices.0.gender`."""
