"""Every error that a client can be told, as one tree.

    ApiError
    ├── BadRequest            400 bad_request
    │   ├── NoSuchRange       416 bad_request: of the bytes of a result
    │   └── HeadTooLarge      431 bad_request: the request's first line and headers
    ├── Unauthorized          401 unauthorized
    ├── InsufficientCredits   402 insufficient_credits
    ├── Forbidden             403 forbidden
    ├── NotFound              404 not_found
    │   ├── UnknownModel      404 not_found (400 on the OpenAI paths)
    │   └── UnknownVoice      404 not_found (400 on the OpenAI paths)
    ├── FileTooLarge          413 file_too_large
    ├── RateLimited           429 rate_limited
    ├── InternalError         500 internal_error
    │   └── EngineFailed      500 internal_error: an engine broke in the middle of its work
    ├── ModelLoading          503 model_loading, come again: being loaded, or saturated
    │   ├── ModelCrashed      503 model_loading: the model's process died under a step of the work
    │   ├── StoreFull         503 model_loading: there is no room for results
    │   ├── DiskFull          503 model_loading: there is no room for what is being worked on
    │   ├── DatabaseDown      503 model_loading: the database does not answer, or can't be written
    │   └── LimiterDown       503 model_loading: nobody counts requests, so none is let in
    └── NotReady              503 model_loading, coming again is no use: the operator has to act
        ├── WeightsMissing    503 model_loading: the weights are not on this machine
        ├── PackagesMissing   503 model_loading: the packages that the model needs are not installed
        └── PullFailed        503 model_loading: no source of the weights would give them

Code below `api` raises these; only `api.errors` turns them into answers. BadCard stands outside: it stops the start.
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
        """The request field that is wrong, if one is."""

    @property
    def extra(self) -> Mapping[str, object]:
        """Fields to add inside `error`."""
        return {}

    @property
    def top_level(self) -> Mapping[str, object]:
        """Fields that the vendor's SDKs read beside `error`."""
        return {}

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers that go with the answer."""
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
        """does: the task of the model of that name, if there is one, but for something else."""
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


NO_RETRY = {"X-Should-Retry": "false"}
"""What openai's clients obey; of a 503 without it or `Retry-After` they think that another try may help."""
LONGEST_WAIT_SECONDS = 60
"""The longest `Retry-After` that all of openai's clients keep; of a longer one some come again at once."""


class _RetryLater(ApiError):
    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds after which another try is worth it."""

    @property
    def headers(self) -> Mapping[str, str]:
        seconds = max(1, round(self.retry_after + 0.499))
        return {"Retry-After": str(seconds), **(NO_RETRY if seconds > LONGEST_WAIT_SECONDS else {})}


class RateLimited(_RetryLater):
    status, code, type = 429, "rate_limited", "rate_limit_error"

    def __init__(self, message: str, *, retry_after: float, rate_headers: Mapping[str, str]) -> None:
        super().__init__(message, retry_after=retry_after)
        self.rate_headers = rate_headers
        """X-RateLimit-…, for any answer to this request."""

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
    """The model's process died while it worked, for this request or for one beside it."""


class StoreFull(ModelLoading):
    def __init__(self, *, retry_after: float) -> None:
        super().__init__("The results store is full; room comes when results expire.", retry_after=retry_after)


class LimiterDown(ModelLoading):
    def __init__(self) -> None:
        super().__init__("The rate limits' Redis does not answer.", retry_after=5)


class DatabaseDown(ModelLoading):
    def __init__(self) -> None:
        super().__init__("The database does not answer.", retry_after=5)


class DiskFull(ModelLoading):
    NUMBERS: ClassVar = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

    def __init__(self) -> None:
        super().__init__("The server's disk has no room for this now.", retry_after=60)

    @classmethod
    def is_cause(cls, error: BaseException | None) -> TypeGuard[OSError]:
        """Whether that is how the operating system says so."""
        return isinstance(error, OSError) and error.errno in cls.NUMBERS


class NotReady(ApiError):
    """What a request needs is not on this machine, and waiting brings it no nearer."""

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
        """install: the command that installs them; what is told fetches the weights too, if they are missing."""
        command = f"{install} && ttsai-server models pull {model}"
        super().__init__(f"The packages that {model!r} needs are not installed. Run: {command}", param="model")


class PullFailed(NotReady):
    def __init__(self, model: str, reasons: Sequence[str]) -> None:
        lines = "".join(f"\n  {reason}" for reason in reasons)
        super().__init__(f"The weights of {model!r} could not be fetched:{lines}")


class InstallFailed(NotReady):
    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"The environment of {model!r} could not be made: {reason}")


class BadCard(ValueError):
    """A model card that can't be used."""

    def __init__(self, file: Path, key: str, reason: str) -> None:
        super().__init__(f"{file}: {key}: {reason}")
        self.file = file
        self.key = key
        """Path of the key in the file, as `voices.0.gender`."""
