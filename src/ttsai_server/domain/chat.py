"""Conversations with a chat model: requests and answers, and how OpenAI's chat API writes them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function that the model wants called, or a part of that while the model writes it."""

    id: str
    """Chosen by the model; empty in all parts but the first."""
    name: str
    """Of the function; empty in all parts but the first."""
    arguments: str
    """JSON, as the model wrote it."""
    index: int = 0
    """Which of an answer's calls it is, from 0."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    calls: tuple[ToolCall, ...] = ()
    """The functions that an assistant's message calls."""
    answers: str = ""
    """Id of the call whose result a tool's message is."""

    def as_openai(self) -> dict[str, Any]:
        """As an element of `messages` in OpenAI's chat API."""
        message: dict[str, Any] = {"role": self.role, "content": self.text or (None if self.calls else "")}
        if self.calls:
            message["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in self.calls
            ]
        if self.answers:
            message["tool_call_id"] = self.answers
        return message


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a chat model is to answer; already validated, and short enough for its context."""

    messages: tuple[Message, ...]
    """The system prompt, then the conversation."""
    max_tokens: int
    """Longest answer, tokens."""
    tools: Sequence[Mapping[str, Any]] = ()
    """Functions that the model may call, as `tools` of OpenAI's chat API."""
    tool_choice: str | Mapping[str, Any] = "auto"
    """Whether it may, must, or must not call one: as OpenAI's chat API has it."""

    def as_openai(self) -> dict[str, Any]:
        """The fields of a body for OpenAI's chat API, but for the model."""
        body: dict[str, Any] = {
            "messages": [message.as_openai() for message in self.messages],
            "max_tokens": self.max_tokens,
            "stream": True,
        }
        return {**body, "tools": list(self.tools), "tool_choice": self.tool_choice} if self.tools else body


@dataclass(frozen=True, slots=True)
class ChatDelta:
    """The result of one step of an answer: its next words, or the next part of a call."""

    text: str = ""
    last: bool = False
    """True if no step follows. False also means unknown."""
    call: ToolCall | None = None
    cut: bool = False
    """Whether the answer ends here because it was as long as it may be."""

    @property
    def seconds(self) -> float:
        """It has no sound."""
        return 0.0

    @classmethod
    def of_openai(cls, chunk: Mapping[str, Any]) -> "Iterator[ChatDelta]":
        """What a `chat.completion.chunk` of OpenAI's chat API says; nothing for one without news."""
        for choice in (chunk.get("choices") or ())[:1]:  # some servers send null
            delta = choice.get("delta") or {}
            if text := delta.get("content"):
                yield cls(text)
            for call in delta.get("tool_calls") or ():
                function = call.get("function") or {}
                name, arguments = function.get("name") or "", function.get("arguments") or ""
                yield cls(call=ToolCall(call.get("id") or "", name, arguments, call.get("index") or 0))
            if choice.get("finish_reason") == "length":
                yield cls(cut=True)
