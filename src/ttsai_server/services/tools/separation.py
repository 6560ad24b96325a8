"""A mix → a file of each of its stems."""

import zipfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from functools import partial
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.export import ExportFormat
from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Caller, ModelCard
from ttsai_server.engines.base import Separator
from ttsai_server.errors import EngineFailed
from ttsai_server.runtime.threads import in_thread
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import Outcome, OutputFile, OutputParts
from ttsai_server.services.recording_run import RecordingPlan
from ttsai_server.services.result_json import published_stems
from ttsai_server.services.tools.run import ToolRun

VOCALS, INSTRUMENTAL = "vocals", "instrumental"
SEPARATING = 0.9
"""Share of the work that is the model's; the rest is encoding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeparationPlan(RecordingPlan):
    card: ModelCard
    asked: str
    """The model as the client named it, or the family of the one that was chosen."""
    stems: tuple[str, ...]
    """Those of the card, or vocals and instrumental: all that is no voice."""
    format: str
    zip: bool
    """All stems in one file, not one of each."""

    def run(self, caller: Caller, context: ServiceContext, upload: BinaryIO | None = None) -> "SeparationRun":
        return SeparationRun(self, caller, context, upload)


class SeparationRun(ToolRun[SeparationPlan]):
    async def outcome(self) -> Outcome:
        if self.plan.zip:
            return await super().outcome()
        return Outcome(self.used(), OutputParts(tuple(self._files), self._index))

    async def _work(self, recording: Recording) -> AsyncGenerator[float]:
        plan = self.plan
        with ExitStack() as kept, ExitStack() as unfinished:
            mix = kept.enter_context(await self._resampled(recording, plan.card.rate))
            stems = {name: kept.enter_context(mix.empty()) for name in plan.stems}
            async with aclosing(self._separated(mix, stems)) as shares:
                async for share in shares:
                    yield SEPARATING * share
            files: list[OutputFile] = []
            for name, stem in stems.items():
                with await self._resampled(stem, recording.rate, recording.frames) as sound:
                    files.append(await self._exported(sound, ExportFormat(plan.format, depth=recording.depth), name))
                    unfinished.callback(files[-1].file.close)
                yield SEPARATING + (1 - SEPARATING) * len(files) / len(stems)
            if plan.zip:
                zipped = await in_thread(None, lambda: _zipped(files), discard=lambda zipped: zipped.file.close())
                self._files.append(zipped)
            else:
                unfinished.pop_all()
                self._files.extend(files)

    async def _separated(self, mix: Recording, stems: Mapping[str, Recording]) -> AsyncGenerator[float]:
        card, done = self.plan.card, 0
        async with self._context.runtime.lease(card) as handle, aclosing(handle.run(Separator.separate, mix)) as steps:
            async for step in steps:
                await in_thread(None, partial(_write, mix, done, step.samples, stems))
                done += len(step.samples[VOCALS])
                yield done / max(mix.frames, 1)  # of one sample, resampling may leave none
        if any(stem.frames != mix.frames for stem in stems.values()):
            raise EngineFailed(f"{card.id!r} made {done} frames of {mix.frames}.")

    def _index(self, job: str, addresses: Mapping[str, str], credits: int) -> bytes:
        return published_stems(job, self.plan.asked, self.seconds, addresses, credits)


def _write(
    mix: Recording, start: int, samples: Mapping[str, NDArray[np.float32]], stems: Mapping[str, Recording]
) -> None:
    """Add what the model made of the mix from frame `start` on to the stems.

    What is no voice is the mix without it, so that the two sum to the mix whatever the model heard.
    """
    for name, stem in stems.items():
        if name == INSTRUMENTAL:
            voice = samples[VOCALS]
            stem.append(mix.read(start, len(voice)) - voice)
        else:
            stem.append(samples[name])


def _zipped(files: Sequence[OutputFile]) -> OutputFile:
    """All in one; not compressed, which sound hardly can be."""
    zipped = cast(BinaryIO, TemporaryFile())  # noqa: SIM115 closed by whom it is handed to
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_STORED) as archive:
        for each in files:
            each.file.seek(0)
            with archive.open(zipfile.ZipInfo(each.name), "w", force_zip64=True) as entry:
                copyfileobj(each.file, entry, 1 << 18)
    return OutputFile("stems.zip", "application/zip", zipped)
