"""What is wrong with an event of a client, as OpenAI's Realtime API reports it: the session goes on."""

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from ttsai_server.errors import ApiError, InternalError


class Refused(Exception):
    """An event that the session does not follow."""

    def __init__(self, code: str, message: str, param: str | None = None, type: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        """The field of the event at fault, if any."""
        self.type = type

    def shown(self) -> dict[str, Any]:
        """As in the event `error`, but for `event_id`."""
        return {"type": self.type, "code": self.code, "message": self.message, "param": self.param}


CODES = {
    "missing": ("missing_required_parameter", "Missing required parameter: '{param}'."),
    "extra_forbidden": ("unknown_parameter", "Unknown parameter: '{param}'."),
    "union_tag_not_found": ("missing_required_parameter", "Missing required parameter: '{param}'."),
}
"""pydantic's type of error → OpenAI's code and message."""


def of_validation(error: ValidationError, within: str = "") -> Refused:
    """The first of pydantic's errors. within: the name of the field that has been validated."""
    first = error.errors()[0]
    tag = ["type"] if first["type"].startswith("union_tag") else []
    param = ".".join(_shown([*([within] if within else []), *first["loc"], *tag]))
    type = "invalid_type" if first["type"].endswith(("_type", "_parsing")) else "invalid_value"
    code, message = CODES.get(first["type"], (type, "Invalid '{param}': {reason}."))
    return Refused(code, message.format(param=param, reason=first["msg"]), param)


def of_api(error: ApiError) -> Refused:
    """An error of this server's services. What is wrong inside is for the log, not for the client."""
    message = "Something went wrong on the server." if isinstance(error, InternalError) else error.message
    return Refused(error.code, message, error.param, error.type)


def _shown(path: Iterable[object]) -> Iterable[str]:
    """Without the tags of unions, which pydantic puts between the names."""
    return (str(part) for part in path if part not in TAGS)


TAGS = {"server_vad", "semantic_vad", "message", "function_call", "function_call_output"}
