"""A recording → what key, tempo and metre it is in, as JSON."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from io import BytesIO
from typing import ClassVar

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard, Music
from ttsai_server.engines.base import Analyzer
from ttsai_server.errors import EngineFailed
from ttsai_server.runtime.base import Runtime
from ttsai_server.services.result_json import published_music
from ttsai_server.services.tools.plan import OutputFile, Plan, resampled


@dataclass(frozen=True, slots=True)
class MusicAnalysis(Plan):
    channels: ClassVar[int | None] = 1
    card: ModelCard

    @property
    def result_name(self) -> str:
        return "analysis.json"

    async def work(self, recording: Recording, runtime: Runtime, made: list[OutputFile]) -> AsyncGenerator[float]:
        music: Music | None = None
        with await resampled(recording, self.card.rate) as sound:
            async with runtime.lease(self.card) as handle, aclosing(handle.run(Analyzer.analyze, sound)) as steps:
                async for step in steps:
                    music = step.music
                    yield step.end / max(sound.seconds, 0.001)  # of one sample, resampling may leave none
        if music is None:
            raise EngineFailed(f"{self.card.id!r} found nothing.")
        made.append(
            OutputFile(self.result_name, "application/json", BytesIO(published_music(music, recording.seconds)))
        )
