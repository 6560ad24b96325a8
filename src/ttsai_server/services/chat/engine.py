"""A chat model of this server, run like every other engine."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from ttsai_server.domain import ChatDelta, ChatRequest, ModelCard
from ttsai_server.engines.base import Chatter
from ttsai_server.runtime.base import Runtime
from ttsai_server.services.chat.base import ChatModel


class ChatEngine(ChatModel):
    def __init__(self, card: ModelCard, runtime: Runtime) -> None:
        super().__init__(card.id)
        self._card = card
        self._runtime = runtime

    async def _write(self, request: ChatRequest) -> AsyncGenerator[ChatDelta]:
        async with (
            self._runtime.lease(self._card) as handle,
            aclosing(handle.run(Chatter.chat, request)) as deltas,
        ):
            async for delta in deltas:
                yield delta
