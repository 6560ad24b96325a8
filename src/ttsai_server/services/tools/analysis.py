"""A recording → what key, tempo and metre it is in, as JSON."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Caller, ModelCard, Music
from ttsai_server.engines.base import Analyzer
from ttsai_server.errors import EngineFailed
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import OutputFile
from ttsai_server.services.recording_run import RecordingPlan
from ttsai_server.services.result_json import published_music
from ttsai_server.services.tools.run import ToolRun


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisPlan(RecordingPlan):
    card: ModelCard

    def run(self, caller: Caller, context: ServiceContext, upload: BinaryIO | None = None) -> "AnalysisRun":
        return AnalysisRun(self, caller, context, upload)


class AnalysisRun(ToolRun[AnalysisPlan]):
    async def _work(self, recording: Recording) -> AsyncGenerator[float]:
        card, music = self.plan.card, None
        with await self._resampled(recording, card.rate) as sound:
            async with (
                self._context.runtime.lease(card) as handle,
                aclosing(handle.run(Analyzer.analyze, sound)) as steps,
            ):
                async for step in steps:
                    music = step.music
                    yield step.end / max(sound.seconds, 0.001)  # of one sample, resampling may leave none
        if music is None:
            raise EngineFailed(f"{card.id!r} found nothing.")
        self._files.append(self._written(music))

    def _written(self, music: Music) -> OutputFile:
        body = published_music(music, self.seconds)
        return OutputFile(self.plan.result_name, "application/json", BytesIO(body))
