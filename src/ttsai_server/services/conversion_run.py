"""A recording → the same, said by another voice, and in another manner if that is asked for."""

from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from typing import BinaryIO

from ttsai_server.audio.export import ExportFormat
from ttsai_server.audio.prosody import NEUTRAL, Prosody
from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Caller, ModelCard, Reference
from ttsai_server.engines.base import Converter
from ttsai_server.errors import EngineFailed
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import Deliver
from ttsai_server.services.paired_upload import split
from ttsai_server.services.recording_run import RecordingPlan
from ttsai_server.services.references import ReferenceSound, embed, open_reference
from ttsai_server.services.several_speakers import one_voice_warning
from ttsai_server.services.target_voice import TargetVoice, open_target
from ttsai_server.services.tools.run import ToolRun, write

VOICE, SPEAKERS, CONVERTED, MOVED = 0.1, 0.15, 0.9, 0.95
"""How much of the work is done when the voice is made, the speakers are counted, the recording is converted, and its
manner is changed."""
LONGER = 0.02
"""Most that a conversion may be longer or shorter than its recording, as a share."""
SLACK_SECONDS = 0.1
"""What it may be so anyhow: engines work in frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionPlan(RecordingPlan):
    card: ModelCard
    target: TargetVoice | None
    """None: the voice of the reference in the upload."""
    reference_bytes: int = 0
    """Length of that reference."""
    prosody: Prosody = NEUTRAL
    """How the speech is moved once it has the voice: before, converters would set its pitch to the voice's own."""
    format: str

    def run(self, caller: Caller, context: ServiceContext, upload: BinaryIO | None = None) -> "ConversionRun":
        return ConversionRun(self, caller, context, upload)


class ConversionRun(ToolRun[ConversionPlan]):
    """A reference in the upload is checked before credits are reserved."""

    def __init__(self, plan: ConversionPlan, caller: Caller, context: ServiceContext, upload: BinaryIO | None) -> None:
        self.reference: Reference | None = None
        """The voice, once it is made."""
        self._reference_file: BinaryIO | None = None
        self._sound: ReferenceSound | None = None
        if plan.reference_bytes and upload:
            upload, self._reference_file = split(upload, plan.reference_bytes)
        super().__init__(plan, caller, context, upload)

    async def credits(self) -> int:
        with ExitStack() as closing:
            await self._open_reference(closing)
            return await super().credits()

    async def steps(self, deliver: Deliver | None = None) -> AsyncGenerator[float]:
        with ExitStack() as closing:
            self._sound = await self._open_reference(closing)
            async with aclosing(super().steps(deliver)) as steps:
                async for step in steps:
                    yield step

    async def _open_reference(self, closing: ExitStack) -> ReferenceSound | None:
        """The reference of the upload, checked."""
        if not self._reference_file:
            return None
        return closing.enter_context(
            await open_reference(self._context, self._caller, self._reference_file, self.plan.card)
        )

    async def _work(self, recording: Recording) -> AsyncGenerator[float]:
        async with aclosing(self._make_voice()) as shares:
            async for share in shares:
                yield VOICE * share
        await self._count_speakers(recording)
        yield SPEAKERS
        with ExitStack() as closing:
            made = closing.enter_context(recording.empty())
            async with aclosing(self._converted(recording, made)) as shares:
                async for share in shares:
                    yield SPEAKERS + (CONVERTED - SPEAKERS) * share
            if self.plan.prosody != NEUTRAL:
                made = closing.enter_context(
                    await self._context.sound.change_prosody(self._caller, made, self.plan.prosody)
                )
            yield MOVED
            name = self.plan.result_name.partition(".")[0]
            self._files.append(await self._exported(made, ExportFormat(self.plan.format, depth=recording.depth), name))
        yield 1.0

    async def _make_voice(self) -> AsyncGenerator[float]:
        with ExitStack() as closing:
            sound = self._sound
            if not sound:
                assert self.plan.target, "what has no reference in the upload has a target"
                sound = closing.enter_context(
                    await open_target(self._context, self._caller, self.plan.target, self.plan.card)
                )
            async with aclosing(embed(self._context, self.plan.card, sound)) as steps:
                async for step in steps:
                    self.reference = step.reference
                    yield step.end / max(sound.speech.seconds, 0.001)

    async def _count_speakers(self, recording: Recording) -> None:
        self.warn(*await one_voice_warning(self._context, self._caller, recording))

    async def _converted(self, recording: Recording, into: Recording) -> AsyncGenerator[float]:
        card = self.plan.card
        assert self.reference, "made before"
        async with (
            self._context.runtime.lease(card) as handle,
            aclosing(handle.run(Converter.convert, recording, self.reference)) as steps,
        ):
            async for audio in steps:
                await write(into, audio.samples)
                yield into.frames / max(recording.frames, 1)
        if abs(into.seconds - recording.seconds) > LONGER * recording.seconds + SLACK_SECONDS:
            raise EngineFailed(f"{card.id!r} made {into.seconds:.2f} s of {recording.seconds:.2f} s.")
