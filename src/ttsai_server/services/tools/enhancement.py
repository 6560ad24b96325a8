"""A recording → one file: through any number of engines that better it, then encoded. With none, it is converted."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from ttsai_server.audio.export import ExportFormat
from ttsai_server.audio.recording import Recording
from ttsai_server.domain import EnhancementRequest, ModelCard
from ttsai_server.engines.base import Enhancer
from ttsai_server.errors import EngineFailed
from ttsai_server.runtime.base import Runtime
from ttsai_server.services.tools.plan import OutputFile, Plan, exported, resampled, write


@dataclass(frozen=True, slots=True)
class Stage:
    card: ModelCard
    request: EnhancementRequest


@dataclass(frozen=True, slots=True)
class EnhancementChain(Plan):
    stages: tuple[Stage, ...]
    target: ExportFormat
    """All but depth and tags, which are the source's."""

    @property
    def result_name(self) -> str:
        return f"{self.kind}.{self.target.format}"

    async def work(self, recording: Recording, runtime: Runtime, made: list[OutputFile]) -> AsyncGenerator[float]:
        sound, parts = recording, len(self.stages) + 1
        try:
            for number, stage in enumerate(self.stages):
                sound = _instead(sound, await resampled(sound, stage.card.rate))
                after = Recording(sound.rate, sound.channels)
                try:
                    async with aclosing(_bettered(sound, stage, runtime, after)) as shares:
                        async for share in shares:
                            yield (number + share) / parts
                except BaseException:
                    after.close()
                    raise
                sound = _instead(sound, after)
            if self.target.rate is None:
                sound = _instead(sound, await resampled(sound, recording.rate, recording.frames))
            target = replace(self.target, depth=recording.depth, tags=recording.tags)
            made.append(await exported(sound, target, self.kind))
            yield 1.0
        finally:
            sound.close()


async def _bettered(sound: Recording, stage: Stage, runtime: Runtime, into: Recording) -> AsyncGenerator[float]:
    """How much of it is done. Raises EngineFailed if it comes out shorter or longer."""
    async with (
        runtime.lease(stage.card) as handle,
        aclosing(handle.run(Enhancer.enhance, sound, stage.request)) as steps,
    ):
        async for audio in steps:
            await write(into, audio.samples)
            yield into.frames / max(sound.frames, 1)  # of one sample, resampling may leave none
    if into.frames != sound.frames:
        raise EngineFailed(f"{stage.card.id!r} made {into.frames} frames of {sound.frames}.")


def _instead(sound: Recording, other: Recording) -> Recording:
    """The other; what it takes the place of needs no disk any more."""
    if other is not sound:
        sound.close()
    return other
