"""A voice being made from a recording; then it speaks, is saved, or both."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from io import SEEK_END, BytesIO
from typing import BinaryIO

from ttsai_server.domain import Caller, ModelCard, Reference
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import CompositeRun, Deliver, Outcome, OutputFile, Plan
from ttsai_server.services.references import ReferenceSound, embed, open_reference
from ttsai_server.services.saved_voices import Saving
from ttsai_server.services.speech_run import SpeechPlan, SpeechRun
from ttsai_server.store.ledger import Used
from ttsai_server.store.saved_voices import SavedVoice

EMBEDDING = 0.5
"""Share of the work that is making the voice; the rest is speaking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClonePlan(Plan):
    card: ModelCard
    speech: SpeechPlan | None
    """What is said, all but the voice; None: nothing."""
    voice: SavedVoice | None
    """How the voice is saved, all but what is known once it is made; None: it is not."""
    keep_reference: bool = False
    """Whether the recording is kept with it."""

    def run(self, caller: Caller, context: ServiceContext, upload: BinaryIO | None = None) -> "CloneRun":
        return CloneRun(self, caller, context, upload)


class CloneRun(CompositeRun[ClonePlan, float]):
    """Its steps are how much is done, 0 to 1. Credits are reserved before the recording is decoded and checked: its
    length does not change the price."""

    def __init__(self, plan: ClonePlan, caller: Caller, context: ServiceContext, upload: BinaryIO | None) -> None:
        super().__init__(plan, caller, context)
        assert upload, "a voice is made from a recording"
        self.reference: Reference | None = None
        """The voice, once it is made."""
        self._saving: Saving | None = None
        """The voice, ready to be saved with the outcome."""
        self._upload = upload
        self._done = 0.0
        self._speech: SpeechRun | None = None

    @property
    def seconds(self) -> float:
        """Length of the speech made so far."""
        return self._speech.seconds if self._speech else 0.0

    @property
    def progress(self) -> float:
        return self._done

    async def credits(self) -> int:
        with await self._opened():
            return self._price

    async def steps(self, deliver: Deliver | None = None) -> AsyncGenerator[float]:
        async with aclosing(self._paid(self._work(), self._price, deliver)) as steps:
            async for step in steps:
                self._done = step
                yield step

    def used(self) -> Used:
        plan = self.plan
        characters = self._speech.used().characters if self._speech else 0
        return Used(plan.kind, plan.model, characters, self.seconds, plan.price.of(characters))

    async def outcome(self) -> Outcome:
        if self._speech:
            return replace(await self._speech.outcome(), used=self.used(), beside=self._saving)
        assert self._saving, "what says nothing is saved"
        voice = self._saving.voice
        shown = {"voice_id": voice.id, "name": voice.name, "model": voice.model, "similarity": voice.similarity}
        file = OutputFile(self.plan.result_name, "application/json", _json(shown))
        return Outcome(self.used(), file, beside=self._saving)

    def close(self) -> None:
        if self._speech:
            self._speech.close()

    @property
    def _price(self) -> int:
        return self.plan.price.of(self.plan.speech.characters if self.plan.speech else 0)

    async def _opened(self) -> ReferenceSound:
        """The recording, checked; for the caller to close."""
        if self.plan.voice:
            size = self._upload.seek(0, SEEK_END) if self.plan.keep_reference else 0
            await self._context.saved_voices.check_room(self._caller, self.plan.voice.id, size)
        return await open_reference(self._context, self._caller, self._upload, self.plan.card)

    async def _work(self) -> AsyncGenerator[float]:
        with await self._opened() as sound:
            async with aclosing(embed(self._context, self.plan.card, sound)) as steps:
                async for step in steps:
                    self.reference = step.reference
                    yield EMBEDDING * step.end / max(sound.speech.seconds, 0.001)
        assert self.reference, "the last step has it"
        if self.plan.speech:
            async with aclosing(self._speak(self.plan.speech, self.reference)) as shares:
                async for share in shares:
                    yield EMBEDDING + (1 - EMBEDDING) * share
        if self.plan.voice:
            made = replace(self.plan.voice, similarity=self.reference.similarity, digest=sound.digest)
            recording = await asyncio.to_thread(self._recording) if self.plan.keep_reference else b""
            self._saving = await self._context.saved_voices.saving(made, self.reference, recording)
        yield 1.0

    def _recording(self) -> bytes:
        self._upload.seek(0)
        return self._upload.read()

    async def _speak(self, plan: SpeechPlan, reference: Reference) -> AsyncGenerator[float]:
        request = replace(plan.request, voices=(reference,))
        self._speech = replace(plan, request=request).run(self._caller, self._context.unbilled())
        async with aclosing(self._speech.steps()) as steps:
            async for _ in steps:
                yield self._speech.progress


def _json(shown: object) -> BytesIO:
    return BytesIO(json.dumps(shown, ensure_ascii=False).encode())
