"""A recording → its words, spoken anew by another voice."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import BinaryIO

from anyio import to_thread

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Caller, ModelCard, Reference
from ttsai_server.errors import BadRequest
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import Outcome
from ttsai_server.services.recording_run import RecordingPlan, RecordingRun
from ttsai_server.services.references import embed
from ttsai_server.services.speech import SpeechOrder, plan_with_voice
from ttsai_server.services.speech_run import SpeechRun
from ttsai_server.services.target_voice import TargetVoice, open_target
from ttsai_server.services.transcription_run import TranscriptionPlan
from ttsai_server.services.voices import Choice, unnamed_voice

HEARD, VOICE = 0.4, 0.5
"""How much of the work is done when the words are known, and when the voice is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RespeakingPlan(RecordingPlan):
    card: ModelCard
    target: TargetVoice
    listening: TranscriptionPlan
    speed: float
    options: Mapping[str, object]
    """Of the engine that speaks."""
    format: str

    def run(self, caller: Caller, context: ServiceContext, upload: BinaryIO | None = None) -> "RespeakingRun":
        return RespeakingRun(self, caller, context, upload)


class RespeakingRun(RecordingRun[RespeakingPlan, float]):
    """Its steps are how much is done, 0 to 1. Its parts, hearing and speaking, charge nobody."""

    def __init__(self, plan: RespeakingPlan, caller: Caller, context: ServiceContext, upload: BinaryIO | None) -> None:
        super().__init__(plan, caller, context, upload)
        self.reference: Reference | None = None
        """The voice, once it is made."""
        self._speech: SpeechRun | None = None

    async def outcome(self) -> Outcome:
        assert self._speech, "once it has spoken"
        return replace(await self._speech.outcome(), used=self.used())

    def close(self) -> None:
        if self._speech:
            self._speech.close()

    def _reached(self, step: float) -> float:
        return step * self.seconds

    async def _work(self, recording: Recording) -> AsyncGenerator[float]:
        hearing = self.plan.listening.run(self._caller, self._context.unbilled(), self._upload)
        async with aclosing(hearing.steps()) as partials:
            async for partial in partials:
                yield HEARD * partial.end / max(self.seconds, 0.001)
        heard = hearing.transcript
        if not heard.text.strip():
            raise BadRequest("The file has no words in it that could be spoken anew.", param="file")
        async with aclosing(self._make_voice()) as shares:
            async for share in shares:
                yield HEARD + (VOICE - HEARD) * share
        self._speech = await self._prepared(heard.text, heard.language)
        async with aclosing(self._speech.steps()) as steps:
            async for _ in steps:
                yield VOICE + (1 - VOICE) * self._speech.progress

    async def _make_voice(self) -> AsyncGenerator[float]:
        with await open_target(self._context, self._caller, self.plan.target, self.plan.card) as sound:
            async with aclosing(embed(self._context, self.plan.card, sound)) as steps:
                async for step in steps:
                    self.reference = step.reference
                    yield step.end / max(sound.speech.seconds, 0.001)

    async def _prepared(self, text: str, language: str) -> SpeechRun:
        """Raises BadRequest for words in a language that the model does not speak, or too many for the plan."""
        assert self.reference, "made before"
        plan, choice = self.plan, Choice(self.plan.card, (unnamed_voice(self.plan.card),), (self.reference,))
        order = SpeechOrder(plan.card.id, text, "", plan.format, plan.speed, language=language, options=plan.options)
        speech = await to_thread.run_sync(plan_with_voice, self._context, self._caller, order, choice)
        self.warn(*speech.warnings)
        return speech.run(self._caller, self._context.unbilled())
