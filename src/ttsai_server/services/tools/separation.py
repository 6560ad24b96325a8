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
from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import Separator
from ttsai_server.errors import EngineFailed
from ttsai_server.runtime.base import Runtime
from ttsai_server.runtime.threads import in_thread
from ttsai_server.services.tools.plan import OutputFile, Plan, exported, resampled

VOCALS, INSTRUMENTAL = "vocals", "instrumental"
SEPARATING = 0.9
"""Share of the work that is the model's; the rest is encoding."""


@dataclass(frozen=True, slots=True)
class Separation(Plan):
    card: ModelCard
    asked: str
    """The model as the client named it."""
    stems: tuple[str, ...]
    """Those of the card, or vocals and instrumental: all that is no voice."""
    format: str
    zip: bool

    @property
    def result_name(self) -> str:
        return "stems.zip" if self.zip else "stems.json"

    async def work(self, recording: Recording, runtime: Runtime, made: list[OutputFile]) -> AsyncGenerator[float]:
        with ExitStack() as kept, ExitStack() as unfinished:
            mix = kept.enter_context(await resampled(recording, self.card.rate))
            parts = {name: kept.enter_context(Recording(mix.rate, mix.channels)) for name in self.stems}
            async with aclosing(self._separated(mix, parts, runtime)) as shares:
                async for share in shares:
                    yield SEPARATING * share
            files: list[OutputFile] = []
            for name, part in parts.items():
                with await resampled(part, recording.rate, recording.frames) as sound:
                    target = ExportFormat(self.format, depth=recording.depth)
                    files.append(await exported(sound, target, name))
                    unfinished.callback(files[-1].file.close)
                yield SEPARATING + (1 - SEPARATING) * len(files) / len(parts)
            if self.zip:
                made.append(await in_thread(None, lambda: _zipped(files), discard=lambda zipped: zipped.file.close()))
            else:
                unfinished.pop_all()
                made.extend(files)

    async def _separated(
        self, mix: Recording, parts: Mapping[str, Recording], runtime: Runtime
    ) -> AsyncGenerator[float]:
        done = 0
        async with runtime.lease(self.card) as handle, aclosing(handle.run(Separator.separate, mix)) as steps:
            async for step in steps:
                await in_thread(None, partial(_write, mix, done, step.samples, parts))
                done += len(step.samples[VOCALS])
                yield done / max(mix.frames, 1)  # of one sample, resampling may leave none
        if any(part.frames != mix.frames for part in parts.values()):
            raise EngineFailed(f"{self.card.id!r} made {done} frames of {mix.frames}.")


def _write(
    mix: Recording, start: int, samples: Mapping[str, NDArray[np.float32]], parts: Mapping[str, Recording]
) -> None:
    """Add what the model made of the mix from frame `start` on to the parts.

    What is no voice is the mix without it, so that the two sum to the mix whatever the model heard.
    """
    for name, part in parts.items():
        if name == INSTRUMENTAL:
            voice = samples[VOCALS]
            part.append(mix.read(start, len(voice)) - voice)
        else:
            part.append(samples[name])


def _zipped(files: Sequence[OutputFile]) -> OutputFile:
    """All in one; not compressed, which sound hardly can be."""
    zipped = cast(BinaryIO, TemporaryFile())  # noqa: SIM115 closed by whom it is handed to
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_STORED) as archive:
        for each in files:
            each.file.seek(0)
            with archive.open(zipfile.ZipInfo(each.name), "w", force_zip64=True) as entry:
                copyfileobj(each.file, entry, 1 << 18)
    return OutputFile("stems.zip", "application/zip", zipped)
