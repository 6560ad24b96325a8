"""The conversation of a session: what was said, asked of the client, and answered. It is gone with the session."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import floor
from typing import Any, Literal

from ttsai_server.domain import Message, Segment, ToolCall
from ttsai_server.errors import ApiError
from ttsai_server.services.realtime.problems import Refused
from ttsai_server.services.voice_chat_run import tokens

ROOT = "root"
"""As `previous_item_id`: before all others."""
MOST_ITEMS = 1000
"""Of one session."""

Status = Literal["in_progress", "completed", "incomplete"]


@dataclass(slots=True)
class Item(ABC):
    id: str
    status: Status = field(default="completed", kw_only=True)

    @abstractmethod
    def shown(self) -> dict[str, Any]:
        """As clients see it."""

    @abstractmethod
    def message(self) -> Message | None:
        """As the chat model gets it; None: not at all."""

    @property
    def size(self) -> int:
        """Bytes of its text."""
        message = self.message()
        parts = (message.text, *(call.arguments for call in message.calls)) if message else ()
        return sum(len(part.encode()) for part in parts)

    def _shown(self, type: str, **fields: Any) -> dict[str, Any]:
        return {"id": self.id, "object": "realtime.item", "type": type, "status": self.status, **fields}


@dataclass(slots=True)
class Part:
    """A part of a message."""

    type: Literal["input_text", "input_audio", "output_text", "output_audio"]
    text: str = ""
    """Of sound, what is said in it."""

    def shown(self) -> dict[str, Any]:
        return {"type": self.type, "transcript" if self.type.endswith("audio") else "text": self.text}


@dataclass(slots=True)
class MessageItem(Item):
    role: Literal["system", "user", "assistant"]
    parts: list[Part]
    hearing: "asyncio.Task[None] | None" = None
    """Runs while what is said in it is being transcribed."""
    failure: ApiError | None = None
    """Why that failed."""
    spoken: Sequence[Segment] = ()
    """What is said when in its sound."""
    seconds: float = 0.0
    """Length of its sound."""

    def shown(self) -> dict[str, Any]:
        return self._shown("message", role=self.role, content=[part.shown() for part in self.parts])

    def message(self) -> Message | None:
        text = "\n".join(part.text for part in self.parts if part.text)
        return Message(self.role, text) if text else None

    def truncate(self, index: int, milliseconds: int) -> None:
        """Keep only the part of its sound that was heard, and what was said in it. Raises Refused."""
        if self.role != "assistant" or index >= len(self.parts) or self.parts[index].type != "output_audio":
            raise Refused("invalid_value", "Only the sound of an assistant's message can be truncated.", "item_id")
        if milliseconds > round(self.seconds * 1000):
            was = f"Audio content of {round(self.seconds * 1000)}ms is already shorter than {milliseconds}ms."
            raise Refused("invalid_value", was, "audio_end_ms")
        end = milliseconds / 1000
        self.parts[index].text = " ".join(text for each in self.spoken if (text := _heard(each, end)))
        self.seconds = end
        self.status = "incomplete"


@dataclass(slots=True)
class CallItem(Item):
    """A function that the model wants called."""

    call: ToolCall

    def shown(self) -> dict[str, Any]:
        call = self.call
        return self._shown("function_call", name=call.name, call_id=call.id, arguments=call.arguments)

    def message(self) -> Message | None:
        return Message("assistant", "", (self.call,))


@dataclass(slots=True)
class CallOutputItem(Item):
    """What the function has returned."""

    call_id: str
    output: str

    def shown(self) -> dict[str, Any]:
        return self._shown("function_call_output", call_id=self.call_id, output=self.output)

    def message(self) -> Message | None:
        return Message("tool", self.output, answers=self.call_id)


class Conversation:
    def __init__(self, most_bytes: int) -> None:
        self.items: list[Item] = []
        self._most_bytes = most_bytes

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Put an item after the one with this id, or at the end. → id of the one before it.

        Raises Refused if there is no such item, if its id is taken, or if the conversation is too long.
        """
        if any(each.id == item.id for each in self.items):
            raise Refused("item_create_invalid_item_id", f"The item {item.id!r} is there already.", "item.id")
        if len(self.items) >= MOST_ITEMS or sum(each.size for each in [*self.items, item]) > self._most_bytes:
            raise Refused("conversation_too_long", "The conversation is too long: delete some of it.", "item")
        at = 0 if after == ROOT else len(self.items) if after is None else self._index(after, "previous_item_id") + 1
        self.items.insert(at, item)
        return self.items[at - 1].id if at else None

    def get(self, id: str) -> Item:
        """Raises Refused if there is none."""
        return self.items[self._index(id, "item_id")]

    def remove(self, id: str) -> Item:
        """Raises Refused if there is none."""
        return self.items.pop(self._index(id, "item_id"))

    def _index(self, id: str, param: str) -> int:
        for index, each in enumerate(self.items):
            if each.id == id:
                return index
        raise Refused("item_not_found", f"There is no item {id[:64]!r}.", param)


def messages(items: Sequence[Item]) -> list[Message]:
    """The messages for the chat model: calls of one answer together, and what one side says in a row as one message.

    Some models' templates take nothing else.
    """
    found: list[Message] = []
    for message in (message for item in items if (message := item.message())):
        last = found[-1] if found else None
        if last and last.role == message.role != "tool" and not (last.calls and message.text):
            text = "\n".join(text for text in (last.text, message.text) if text)
            found[-1] = Message(last.role, text, (*last.calls, *message.calls))
        else:
            found.append(message)
    return found


def fitted(system: Message, said: Sequence[Message], most: int, *, shorten: bool) -> tuple[Message, ...]:
    """The system prompt and the latest messages that fit into so many tokens, from one on that is no call's result.

    Raises Refused if the last one alone is too long, or if something had to be left out and `shorten` is false.
    """
    left = most - tokens(system)
    first = len(said)
    while first and (size := tokens(said[first - 1])) <= left:
        left -= size
        first -= 1
    if (first and not shorten) or (said and first == len(said)) or left < 0:
        raise Refused("context_length_exceeded", f"The conversation takes more than {most} tokens.")
    while first and first < len(said) and said[first].role == "tool":
        first += 1
    return (system, *said[first:])


def _heard(segment: Segment, end: float) -> str:
    """The words of a segment that were said by then, as far as its pace is even."""
    if segment.end <= end:
        return segment.text
    words = segment.text.split()
    share = (end - segment.start) / max(segment.end - segment.start, 1e-6)
    return " ".join(words[: max(0, floor(len(words) * share))])
