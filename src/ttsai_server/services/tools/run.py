"""What every run that makes files of a recording is."""

from typing import BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.encode import CONTENT_TYPES
from ttsai_server.audio.export import ExportFormat
from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Caller
from ttsai_server.runtime.threads import in_thread
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import Outcome, OutputFile
from ttsai_server.services.recording_run import RecordingPlan, RecordingRun

P = TypeVar("P", bound=RecordingPlan)


class ToolRun(RecordingRun[P, float]):
    """Its steps are how much is done, 0 to 1; at their end all that was ordered is in `_files`."""

    def __init__(self, plan: P, caller: Caller, context: ServiceContext, upload: BinaryIO | None) -> None:
        super().__init__(plan, caller, context, upload)
        self._files: list[OutputFile] = []

    async def outcome(self) -> Outcome:
        (file,) = self._files
        return Outcome(self.used(), file)

    def close(self) -> None:
        for each in self._files:
            each.file.close()

    def _reached(self, step: float) -> float:
        return step * self.seconds

    async def _resampled(self, recording: Recording, rate: int, frames: int | None = None) -> Recording:
        """The recording itself if it has that rate, else a copy that has it and so many frames; see `resample`."""
        return await self._context.sound.resample(self._caller, recording, rate, frames)

    async def _exported(self, recording: Recording, target: ExportFormat, name: str) -> OutputFile:
        """The recording as a file `name`.{format}."""
        file = await self._context.sound.export(self._caller, recording, target)
        return OutputFile(f"{name}.{target.format}", CONTENT_TYPES[target.format], file)


async def write(recording: Recording, samples: NDArray[np.float32]) -> None:
    """Add float32 (n, channels) to its end. Cancelled, it raises once nothing is being written."""
    await in_thread(None, lambda: recording.append(samples))
