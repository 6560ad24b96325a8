"""Speech of a text that is still being written."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, replace
from math import ceil

from ttsai_server.domain import Caller, SpeechRequest
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.speech_run import SpeechPlan, SpeechRun
from ttsai_server.store.ledger import Used
from ttsai_server.text.split import Cut, Piece


@dataclass(frozen=True, slots=True)
class Passage:
    """Some sentences of the text."""

    plan: SpeechPlan
    """With the voice, the format and the tempo of the whole."""
    text: str
    """The client's own."""
    ends: Cut
    """What comes after it."""


class NarrationRun(SpeechRun):
    """Says passages as they come, in one encoding. The model is loaded while the first one is being written."""

    def __init__(
        self, plan: SpeechPlan, caller: Caller, context: ServiceContext, passages: AsyncIterator[Passage]
    ) -> None:
        """plan: how to speak; its text does not matter."""
        super().__init__(plan, caller, context)
        self.written: list[str] = []
        """The passages' texts so far, of the last of which `times` has the words."""
        self._passages = passages
        self._characters = 0

    def used(self) -> Used:
        plan, characters = self.plan, self._characters
        return Used(plan.kind, plan.model, characters, self.seconds, plan.price.of(characters))

    async def _pieces(self) -> AsyncGenerator[tuple[Piece, SpeechRequest]]:
        async for passage in self._passages:
            plan = passage.plan
            characters = self._characters + plan.characters
            await self.hold.extend(plan.price.of(characters) - self.hold.credits)  # raises InsufficientCredits
            before = self._characters
            self.warn(*plan.warnings)
            self.written.append(passage.text)
            self.times = plan.new_times()
            cut = list(plan.pieces())
            for number, (piece, request) in enumerate(cut, 1):
                # a client that leaves pays for what was spoken, of which the piece under way counts whole
                self._characters = before + ceil(plan.characters * piece.end / len(plan.text))
                yield (replace(piece, pause=passage.ends) if number == len(cut) else piece), request
            self._characters = characters
