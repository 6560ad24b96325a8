"""What every run that makes files of a recording is, and the steps that several share."""

from tempfile import TemporaryFile
from typing import BinaryIO, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.encode import CONTENT_TYPES
from ttsai_server.audio.export import ExportFormat, export
from ttsai_server.audio.recording import Recording
from ttsai_server.audio.resampling import resample
from ttsai_server.domain import Caller
from ttsai_server.engines.base import Cancellation
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


async def resampled(recording: Recording, rate: int, frames: int | None = None) -> Recording:
    """The recording itself if it has that rate, else a copy that has it and so many frames; see `resample`."""
    if recording.rate == rate:
        return recording
    stop = Cancellation()
    return await in_thread(
        None, lambda: resample(recording, rate, frames=frames, stop=lambda: stop.cancelled), stop, Recording.close
    )


async def exported(recording: Recording, target: ExportFormat, name: str) -> OutputFile:
    """The recording as a file `name`.{format}."""
    stop, file = Cancellation(), cast(BinaryIO, TemporaryFile())  # noqa: SIM115 closed by whom it is handed to
    try:
        await in_thread(None, lambda: export(recording, target, file, stop=lambda: stop.cancelled), stop)
    except BaseException:
        file.close()
        raise
    return OutputFile(f"{name}.{target.format}", CONTENT_TYPES[target.format], file)


async def write(recording: Recording, samples: NDArray[np.float32]) -> None:
    """Add float32 (n, channels) to its end. Cancelled, it raises once nothing is being written."""
    await in_thread(None, lambda: recording.append(samples))
