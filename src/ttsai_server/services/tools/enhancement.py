"""A recording → one file: improved by any number of engines in turn, then encoded. With none, it is only converted."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import BinaryIO

from ttsai_server.audio.export import ExportFormat
from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Caller, EnhancementRequest, ModelCard
from ttsai_server.engines.base import Enhancer
from ttsai_server.errors import EngineFailed
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.recording_run import RecordingPlan
from ttsai_server.services.tools.run import ToolRun, write


@dataclass(frozen=True, slots=True)
class Stage:
    card: ModelCard
    request: EnhancementRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class EnhancementPlan(RecordingPlan):
    stages: tuple[Stage, ...]
    target: ExportFormat
    """All but depth and tags, which are the source's."""

    def run(self, caller: Caller, context: ServiceContext, upload: BinaryIO | None = None) -> "EnhancementRun":
        return EnhancementRun(self, caller, context, upload)


class EnhancementRun(ToolRun[EnhancementPlan]):
    async def _work(self, recording: Recording) -> AsyncGenerator[float]:
        plan, sound, parts = self.plan, recording, len(self.plan.stages) + 1
        try:
            for number, stage in enumerate(plan.stages):
                sound = _replaced(sound, await self._resampled(sound, stage.card.rate))
                after = sound.empty()
                try:
                    async with aclosing(self._enhanced(sound, stage, after)) as shares:
                        async for share in shares:
                            yield (number + share) / parts
                except BaseException:
                    after.close()
                    raise
                sound = _replaced(sound, after)
            if plan.target.rate is None:
                sound = _replaced(sound, await self._resampled(sound, recording.rate, recording.frames))
            target = replace(plan.target, depth=recording.depth, tags=recording.tags)
            self._files.append(await self._exported(sound, target, plan.kind))
            yield 1.0
        finally:
            sound.close()

    async def _enhanced(self, sound: Recording, stage: Stage, into: Recording) -> AsyncGenerator[float]:
        """How much of the stage is done, 0 to 1. Raises EngineFailed if it comes out shorter or longer."""
        async with (
            self._context.runtime.lease(stage.card) as handle,
            aclosing(handle.run(Enhancer.enhance, sound, stage.request)) as steps,
        ):
            async for audio in steps:
                await write(into, audio.samples)
                yield into.frames / max(sound.frames, 1)  # of one sample, resampling may leave none
        if into.frames != sound.frames:
            raise EngineFailed(f"{stage.card.id!r} made {into.frames} frames of {sound.frames}.")


def _replaced(sound: Recording, other: Recording) -> Recording:
    """The other; what it takes the place of needs no disk any more."""
    if other is not sound:
        sound.close()
    return other
