"""A turn of a session: what was said is answered by the chat model, in words or aloud, or by calls of functions.

It costs what a turn of a voice chat costs, once anything of the answer has been made.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import BinaryIO

from ttsai_server.domain import Caller, ChatDelta, ChatRequest
from ttsai_server.errors import EngineFailed
from ttsai_server.services.chat import ChatModel
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import CompositeRun, Deliver, Outcome, Plan
from ttsai_server.services.speech_run import SpeechPlan
from ttsai_server.services.spoken_answer import SpokenAnswer
from ttsai_server.store.ledger import Used


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnPlan(Plan):
    chat: ChatModel
    listen: Callable[[], Awaitable[ChatRequest | None]]
    """Waits until all that was said has been transcribed. → what the model is asked; None: nothing was said."""
    heard: Callable[[], int]
    """What transcribing it costs by itself, credits: the price of a turn that the client stops before any answer."""
    speech: SpeechPlan | None
    """How the answer is spoken, of any text; None: it is not."""
    speak: Callable[[str], SpeechPlan]
    """A part of the answer → how it is spoken. Raises BadRequest if the voice can't."""

    def run(self, caller: Caller, context: ServiceContext, upload: BinaryIO | None = None) -> "TurnRun":
        return TurnRun(self, caller, context)


class TurnRun(CompositeRun[TurnPlan, ChatDelta | bytes]):
    """Its steps are what the model writes and, as PCM of the model's rate, what is spoken."""

    def __init__(self, plan: TurnPlan, caller: Caller, context: ServiceContext) -> None:
        super().__init__(plan, caller, context)
        self.text = ""
        """What the model has written so far."""
        self.request: ChatRequest | None = None
        """What the model is asked, once that is known."""
        self.answer = SpokenAnswer(plan.speech, plan.speak, caller, context) if plan.speech else None
        """None: it is not spoken."""
        self._began = False
        """Whether the client has been given anything of the answer."""

    @property
    def progress(self) -> float:
        return 0.5 if self._began else 0.0

    async def credits(self) -> int:
        return self.plan.price.of(1)

    def steps(self, deliver: Deliver | None = None) -> AsyncGenerator[ChatDelta | bytes]:
        return self._paid(self._work(), self.plan.price.of(1), deliver)

    def used(self) -> Used:
        seconds = self.answer.seconds if self.answer else 0.0
        turn = self.plan.price.of(1)
        credits = turn if self._began else min(turn, self.plan.heard())
        return Used(self.plan.kind, self.plan.model, len(self.text), seconds, credits)

    async def outcome(self) -> Outcome:
        raise NotImplementedError("a turn has no result but its steps")

    async def _work(self) -> AsyncGenerator[ChatDelta | bytes]:
        self.request = await self.plan.listen()
        if self.request is None:
            return
        written = self.plan.chat.answer(self.request)
        async with aclosing(self.answer.steps(written) if self.answer else self._written(written)) as steps:
            async for step in steps:
                if isinstance(step, ChatDelta):
                    self.text += step.text
                    self._began = self._began or not self.answer or step.call is not None
                else:
                    self._began = True
                yield step

    async def _written(self, answer: AsyncGenerator[ChatDelta]) -> AsyncGenerator[ChatDelta | bytes]:
        said = False
        async with aclosing(answer) as deltas:
            async for delta in deltas:
                said = said or delta.call is not None or bool(delta.text.strip())
                yield delta
        if not said:
            raise EngineFailed("The chat model did not say anything.")
