"""Conversations with a chat model: requests and answers."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a chat model is to answer; already validated, and short enough for its context."""

    messages: tuple[Message, ...]
    """The system prompt, then user and assistant in turn; the last one is the user's."""
    max_tokens: int
    """Longest answer, tokens."""


@dataclass(frozen=True, slots=True)
class ChatDelta:
    """The result of one step of an answer: its next words."""

    text: str
    last: bool = False
    """True if no step follows. False also means unknown."""

    @property
    def seconds(self) -> float:
        """It has no sound."""
        return 0.0
