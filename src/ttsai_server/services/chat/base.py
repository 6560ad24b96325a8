"""What a service sees of a chat model, wherever it runs."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator

from ttsai_server.domain import ChatDelta, ChatRequest
from ttsai_server.services.chat.thoughts import without_thoughts


class ChatModel(ABC):
    def __init__(self, name: str) -> None:
        self.name = name
        """As it is configured."""

    def answer(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        """Answer the last message: yields the text and the calls as they are written. Must be closed (`aclosing`).

        Raises ModelLoading, NotReady, BadRequest for a conversation that is too long, or EngineFailed.
        """
        return without_thoughts(self._write(request))

    @abstractmethod
    def _write(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        """As `answer`, with all that the model writes."""
