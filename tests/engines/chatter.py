"""What every chat model must do."""

import pytest
from tests.engines.contract import EngineContract

from ttsai_server.domain import ChatDelta, ChatRequest, Message
from ttsai_server.engines.base import Cancellation, Cancelled, Chatter

CONVERSATION = (
    Message("system", "You are in a spoken conversation. Answer in English, in one short sentence."),
    Message("user", "Hello! Who are you?"),
)


class ChatterContract(EngineContract):
    kind = Chatter

    def parts(self, engine: Chatter, most: int) -> list[ChatDelta]:
        return list(engine.chat(ChatRequest(CONVERSATION, most), Cancellation()))

    def test_it_answers_in_parts(self, engine: Chatter) -> None:
        parts = self.parts(engine, 24)
        assert len(parts) > 1
        assert len("".join(part.text for part in parts).split()) > 1

    def test_its_answer_is_no_longer_than_asked(self, engine: Chatter) -> None:
        assert len("".join(part.text for part in self.parts(engine, 2)).split()) <= 2

    def test_cancelled_it_ends_at_the_next_step(self, engine: Chatter) -> None:
        cancellation = Cancellation()
        parts = engine.chat(ChatRequest(CONVERSATION, 50), cancellation)
        next(parts)
        cancellation.cancel()
        with pytest.raises(Cancelled):
            next(parts)

    def test_it_answers_again_after_one_answer_was_left(self, engine: Chatter) -> None:
        parts = engine.chat(ChatRequest(CONVERSATION, 50), Cancellation())
        next(parts)
        parts.close()
        assert self.parts(engine, 8)
