"""Decoded sound in a temporary file, so that hours of it take no memory."""

import os
from collections.abc import Generator, Mapping
from io import FileIO
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.temp_disk import TempDisk, TempFile

BLOCK = 1 << 17
"""Frames read or written at a time. A frame is one sample of each channel."""


class Stopped(Exception):
    """Raised by blocking work whose `stop` callback has returned true."""


class Recording:
    """Sound of any length, float32 in [-1, 1], in an unnamed temporary file that is deleted by `close`.

    Write it in one thread; after that, any number of threads may read it.
    """

    def __init__(
        self, rate: int, channels: int = 1, file: FileIO | None = None, *, disk: TempDisk | None = None
    ) -> None:
        """Create an empty recording.

        Args:
            rate: Hertz.
            file: a duplicate of another recording's file, to read that recording; None: a new file.
            disk: counts the bytes of the new file; None: they are not limited.
        """
        self.rate = rate
        """Hertz."""
        self.channels = channels
        self.frames = 0
        """Length in frames, i.e. samples per channel."""
        self.depth = 16
        """Bits per sample of its source: 16, or 24 for anything deeper."""
        self.tags: Mapping[str, str] = {}
        """Metadata of its source: FFmpeg's names (title, artist, album, …) → values."""
        self.disk = disk or TempDisk()
        """For the files that are made of it."""
        self._file = file or TempFile(self.disk)

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.frames / self.rate

    def fileno(self) -> int:
        """Descriptor of its file, to send it to another process."""
        return self._file.fileno()

    def empty(self, rate: int | None = None) -> "Recording":
        """A new recording with the same channels, at `rate` Hertz or its own, on the same disk."""
        return Recording(rate or self.rate, self.channels, disk=self.disk)

    def append(self, samples: NDArray[np.float32]) -> None:
        """Append float32 (n, channels). Raises DiskFull beyond what `disk` may hold, OSError when it is full."""
        data = memoryview(np.ascontiguousarray(samples, np.float32).tobytes())
        while data:  # on a full disk the first write is partial, and the next raises
            data = data[self._file.write(data) :]
        self.frames += len(samples)

    def read(self, start: int, count: int) -> NDArray[np.float32]:
        """Up to `count` frames from frame `start` on, float32 (n, channels); fewer at the end."""
        width = 4 * self.channels
        data = os.pread(self._file.fileno(), count * width, start * width)
        return np.frombuffer(data, np.float32).reshape(-1, self.channels)

    def pad(self, frames: int) -> None:
        """Append `frames` frames of silence."""
        for start in range(0, frames, BLOCK):
            self.append(np.zeros((min(BLOCK, frames - start), self.channels), np.float32))

    def blocks(self) -> Generator[NDArray[np.float32]]:
        """All frames, in blocks of at most BLOCK: float32 (n, channels)."""
        for start in range(0, self.frames, BLOCK):
            yield self.read(start, BLOCK)

    def close(self) -> None:
        """Delete the file. Idempotent."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
