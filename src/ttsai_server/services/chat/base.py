"""What a service sees of a chat model, wherever it runs."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator

from ttsai_server.domain import ChatRequest


class ChatModel(ABC):
    def __init__(self, name: str) -> None:
        self.name = name
        """As it is configured."""

    @abstractmethod
    def answer(self, request: ChatRequest) -> AsyncGenerator[str]:
        """Answer the last message: yields the text as it is written. Must be closed (`aclosing`).

        Raises ModelLoading, NotReady, BadRequest for a conversation that is too long, or EngineFailed.
        """
