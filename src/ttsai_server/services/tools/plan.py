"""What every treatment of a recording is, and the steps that several share."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import BinaryIO, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.encode import CONTENT_TYPES
from ttsai_server.audio.export import ExportFormat, export
from ttsai_server.audio.recording import Recording
from ttsai_server.audio.resampling import at_rate
from ttsai_server.engines.base import Cancellation
from ttsai_server.runtime.base import Runtime
from ttsai_server.runtime.threads import in_thread


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A finished file, for who asked for it to close."""

    name: str
    """With its extension."""
    content_type: str
    file: BinaryIO


@dataclass(frozen=True, slots=True)
class Plan(ABC):
    """A checked order."""

    kind: str
    """A key of ORDERS, and how it is named in the account's usage."""
    model: str
    """Id of the card that does most of it, or `kind` where none is needed: as jobs, the plans of one share a queue."""
    per_minute: int
    """Credits for each started minute of the recording."""

    rate: ClassVar[int | None] = None
    channels: ClassVar[int | None] = 2
    """How the file is to be decoded, see `audio.decode`."""

    @property
    @abstractmethod
    def result_name(self) -> str:
        """File name of a task's result, with its extension."""

    @abstractmethod
    def work(self, recording: Recording, runtime: Runtime, made: list[OutputFile]) -> AsyncGenerator[float]:
        """Do it. Yields how much is done, 0 to 1; at its end all that was ordered is in `made`.

        Raises ModelLoading, or what the engines raise. Must be closed (`aclosing`).
        """


async def resampled(recording: Recording, rate: int, frames: int | None = None) -> Recording:
    """The recording itself if it has that rate, else a copy that has it and so many frames; see `at_rate`."""
    if recording.rate == rate:
        return recording
    stop = Cancellation()
    return await in_thread(
        None, lambda: at_rate(recording, rate, frames=frames, stop=lambda: stop.cancelled), stop, Recording.close
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
