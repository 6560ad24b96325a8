"""A demo chat model that repeats what the user says, for tests and demos that need an answer but no sense."""

import time
from collections.abc import Generator
from typing import Self

from pydantic import Field

from ttsai_server.domain import ChatDelta, ChatRequest, ModelCard
from ttsai_server.engines.base import Cancellation, Cancelled, Chatter, LoadContext


class EchoChat(Chatter):
    """Yields `You said:` and the user's words, one a step, at most `max_tokens` of them."""

    native = False

    class Setup(Chatter.Setup):
        step_seconds: float = Field(default=0, ge=0)
        """Time that each word takes."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        return cls(cls.Setup.model_validate(dict(card.setup)))

    def chat(self, request: ChatRequest, cancellation: Cancellation) -> Generator[ChatDelta]:
        words = f"You said: {request.messages[-1].text}".split()
        count = min(len(words), request.max_tokens)
        for number, word in enumerate(words[:count], start=1):
            if cancellation.cancelled:
                raise Cancelled
            time.sleep(self._setup.step_seconds)
            last = number == count
            yield ChatDelta(f"{word} ", last=last, cut=last and count < len(words))

    def close(self) -> None:
        """Nothing to free."""
