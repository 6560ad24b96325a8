"""The events that clients send, checked; and those that they are sent."""

from collections.abc import Mapping
from secrets import token_hex
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from ttsai_server.services.realtime.config import LONGEST_TEXT, ResponseConfig, Strict
from ttsai_server.services.realtime.problems import Refused, of_validation

ID = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]


class Event(Strict):
    event_id: str | None = Field(default=None, max_length=512)


class SessionUpdate(Event):
    type: Literal["session.update"]
    session: dict[str, Any]


class AppendAudio(Event):
    type: Literal["input_audio_buffer.append"]
    audio: str
    """Base64."""


class CommitAudio(Event):
    type: Literal["input_audio_buffer.commit"]


class ClearAudio(Event):
    type: Literal["input_audio_buffer.clear"]


class CreateItem(Event):
    type: Literal["conversation.item.create"]
    item: dict[str, Any]
    previous_item_id: str | None = None
    """The item that it comes after; None: the last one; `root`: it is the first."""


class RetrieveItem(Event):
    type: Literal["conversation.item.retrieve"]
    item_id: str


class DeleteItem(Event):
    type: Literal["conversation.item.delete"]
    item_id: str


class TruncateItem(Event):
    type: Literal["conversation.item.truncate"]
    item_id: str
    content_index: int = Field(ge=0)
    audio_end_ms: int = Field(ge=0)


class CreateResponse(Event):
    type: Literal["response.create"]
    response: ResponseConfig | None = None


class CancelResponse(Event):
    type: Literal["response.cancel"]
    response_id: str | None = None


ClientEvent = (
    SessionUpdate
    | AppendAudio
    | CommitAudio
    | ClearAudio
    | CreateItem
    | RetrieveItem
    | DeleteItem
    | TruncateItem
    | CreateResponse
    | CancelResponse
)
KINDS: Mapping[str, type[ClientEvent]] = {
    kind.model_fields["type"].annotation.__args__[0]: kind  # type: ignore[union-attr]
    for kind in ClientEvent.__args__
}
"""Type of an event → its class."""


class Content(Strict):
    """A part of a message."""

    type: Literal["input_text", "input_audio", "output_text", "output_audio", "text"]
    text: str | None = Field(default=None, max_length=LONGEST_TEXT)
    audio: str | None = None
    """Base64."""
    transcript: str | None = Field(default=None, max_length=LONGEST_TEXT)


class _Item(Strict):
    id: ID | None = None
    object: Literal["realtime.item"] | None = None
    status: Literal["completed", "incomplete", "in_progress"] | None = None


class NewMessage(_Item):
    type: Literal["message"]
    role: Literal["system", "user", "assistant"]
    content: list[Content] = Field(min_length=1, max_length=100)


class NewCall(_Item):
    type: Literal["function_call"]
    name: str = Field(min_length=1, max_length=64)
    arguments: str = Field(max_length=LONGEST_TEXT)
    call_id: ID | None = None


class NewCallOutput(_Item):
    type: Literal["function_call_output"]
    call_id: str = Field(min_length=1, max_length=64)
    output: str = Field(max_length=LONGEST_TEXT)


NewItem = NewMessage | NewCall | NewCallOutput
_ITEM: TypeAdapter[NewItem] = TypeAdapter(Annotated[NewItem, Field(discriminator="type")])


def decoded(message: str) -> dict[str, Any]:
    """The JSON object of a client's message. Raises Refused."""
    try:
        found = orjson.loads(message)
    except ValueError as error:
        raise Refused("invalid_json", f"The message is not valid JSON: {error}.") from None
    if not isinstance(found, dict):
        raise Refused("invalid_event", "An event is a JSON object.")
    return found


def parsed(event: Mapping[str, Any]) -> ClientEvent:
    """The event of a JSON object. Raises Refused."""
    kind = event.get("type")
    if kind is None:
        raise Refused("invalid_event", "The field 'type' is missing.", "type")
    if not isinstance(kind, str) or kind not in KINDS:
        raise Refused("invalid_value", f"Invalid value: {kind!r:.80}. Known are: {', '.join(KINDS)}.", "type")
    try:
        return KINDS[kind].model_validate(event)
    except ValidationError as error:
        raise of_validation(error) from None


def new_item(given: Mapping[str, Any]) -> NewItem:
    """The item of a client. Raises Refused."""
    try:
        return _ITEM.validate_python(given)
    except ValidationError as error:
        raise of_validation(error, "item") from None


def event(type: str, **fields: Any) -> dict[str, Any]:
    """An event for the client."""
    return {"type": type, "event_id": new_id("event"), **fields}


def new_id(kind: str) -> str:
    """An id as `item_3f…`."""
    return f"{kind}_{token_hex(10)}"
