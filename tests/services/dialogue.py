"""A capability for tests, known to nothing but the registry: lines spoken one after the other, by runs of speech."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, ClassVar

from ttsai_server.domain import Caller
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import CompositeRun, Deliver, Order, Outcome, OutputFile, Plan
from ttsai_server.services.speech import SpeechOrder, plan_speech
from ttsai_server.services.speech_run import SpeechPlan
from ttsai_server.store.ledger import Used


@dataclass(frozen=True, slots=True)
class Dialogue(Order["DialogueRun"]):
    kind: ClassVar[str] = "dialogue"

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DialoguePlan(Plan):
    parts: tuple[SpeechPlan, ...]

    @property
    def credits(self) -> int:
        return self.price.of(sum(part.characters for part in self.parts))

    def run(self, caller: Caller, context: ServiceContext, upload: BinaryIO | None = None) -> "DialogueRun":
        return DialogueRun(self, caller, context)


class DialogueRun(CompositeRun[DialoguePlan, int]):
    """Its steps are how many lines have been spoken. The result is their lengths, JSON."""

    def __init__(self, plan: DialoguePlan, caller: Caller, context: ServiceContext) -> None:
        super().__init__(plan, caller, context)
        self._spoken: list[Used] = []

    @property
    def progress(self) -> float:
        return len(self._spoken) / len(self.plan.parts)

    async def credits(self) -> int:
        return self.plan.credits

    def steps(self, deliver: Deliver | None = None) -> AsyncGenerator[int]:
        return self._paid(self._work(), self.plan.credits, deliver)

    def used(self) -> Used:
        characters = sum(used.characters for used in self._spoken)
        seconds = sum(used.seconds for used in self._spoken)
        return Used(self.plan.kind, self.plan.model, characters, seconds, self.plan.price.of(characters))

    async def outcome(self) -> Outcome:
        body = json.dumps([used.seconds for used in self._spoken]).encode()
        return Outcome(self.used(), OutputFile(self.plan.result_name, "application/json", BytesIO(body)))

    async def _work(self) -> AsyncGenerator[int]:
        for part in self.plan.parts:
            with self._part(part) as run:
                await run.finish()
                self._spoken.append((await run.outcome()).used)
                self.warn(*run.warnings)
            yield len(self._spoken)


def plan_dialogue(context: ServiceContext, caller: Caller, order: Dialogue) -> DialoguePlan:
    parts = tuple(plan_speech(context, caller, SpeechOrder("tone", line, "tone_a")) for line in order.lines)
    return DialoguePlan(
        kind=order.kind, model=parts[0].model, result_name="dialogue.json", price=parts[0].price, parts=parts
    )
