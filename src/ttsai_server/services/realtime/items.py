"""The items that clients add to a conversation."""

from dataclasses import dataclass
from math import inf

from ttsai_server.domain import ToolCall
from ttsai_server.services.realtime.config import Format
from ttsai_server.services.realtime.conversation import CallItem, CallOutputItem, Item, MessageItem, Part
from ttsai_server.services.realtime.events import Content, NewCall, NewCallOutput, NewItem, NewMessage, new_id
from ttsai_server.services.realtime.input_audio import Turn
from ttsai_server.services.realtime.problems import Refused
from ttsai_server.services.realtime.sound import received

ALLOWED = {
    "system": {"input_text"},
    "user": {"input_text", "input_audio"},
    "assistant": {"output_text", "output_audio"},
}
"""Role → the types of its messages' parts."""


@dataclass(frozen=True, slots=True)
class Made:
    item: Item
    turn: Turn | None = None
    """The sound of a user's message, which is to be heard."""


def made(new: NewItem, format: Format, longest: float = inf) -> Made:
    """The item of a client. format: of its sound; longest: seconds of it. Raises Refused."""
    id = new.id or new_id("item")
    match new:
        case NewMessage():
            return _message(new, id, format, longest)
        case NewCall():
            return Made(CallItem(id, ToolCall(new.call_id or new_id("call"), new.name, new.arguments)))
        case NewCallOutput():
            return Made(CallOutputItem(id, new.call_id, new.output))


def _message(new: NewMessage, id: str, format: Format, longest: float) -> Made:
    item, turn = MessageItem(id, new.role, []), None
    for index, content in enumerate(new.content):
        part = _part(new.role, content, f"item.content.{index}")
        if content.audio and not part.text:
            if new.role != "user" or len(new.content) > 1:
                raise Refused("invalid_value", "Sound is the only part of a user's message.", f"item.content.{index}")
            samples = received(content.audio, format)
            turn = Turn(id, samples, format.hertz, round(1000 * len(samples) / format.hertz))
            if turn.seconds > longest:
                raise Refused("invalid_value", f"A message has at most {longest:g} s of sound.", "item.content.0.audio")
        item.parts.append(part)
    return Made(item, turn)


def _part(role: str, content: Content, param: str) -> Part:
    type = "output_text" if content.type == "text" and role == "assistant" else content.type
    if type not in ALLOWED[role] or type == "text":
        known = ", ".join(sorted(ALLOWED[role]))
        raise Refused(
            "invalid_value", f"A message of the role {role!r} has parts of the types {known}.", f"{param}.type"
        )
    text = content.transcript if type.endswith("audio") else content.text
    if text is None and not (type == "input_audio" and content.audio):
        name = "transcript" if type.endswith("audio") else "text"
        raise Refused("missing_required_parameter", f"Missing required parameter: '{param}.{name}'.", f"{param}.{name}")
    return Part(type, text or "")
