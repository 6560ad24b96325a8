"""Decoded sound in a temporary file, so that hours of it take no memory."""

import os
from collections.abc import Generator, Mapping
from io import FileIO
from tempfile import TemporaryFile
from typing import Self

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 17
"""Frames read or written at a time. A frame is one sample of each channel."""


class Stopped(Exception):
    """Raised by blocking work whose `stop` callback has returned true."""


class Recording:
    """Sound of any length, float32 in [-1, 1], in an unnamed temporary file that is deleted by `close`.

    Write it in one thread; after that, any number of threads may read it.
    """

    def __init__(self, rate: int, channels: int = 1, file: FileIO | None = None) -> None:
        """rate: Hertz. file: a duplicate of another recording's file, to read that recording; None: a new file."""
        self.rate = rate
        """Hertz."""
        self.channels = channels
        self.frames = 0
        """Length in frames, i.e. samples per channel."""
        self.depth = 16
        """Bits per sample of its source: 16, or 24 for anything deeper."""
        self.tags: Mapping[str, str] = {}
        """Metadata of its source: FFmpeg's names (title, artist, album, …) → values."""
        self._file = file or TemporaryFile(buffering=0)  # noqa: SIM115 closed by `close`

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.frames / self.rate

    def fileno(self) -> int:
        """Descriptor of its file, to send it to another process."""
        return self._file.fileno()

    def append(self, samples: NDArray[np.float32]) -> None:
        """Append float32 (n, channels). Raises OSError when the disk is full."""
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
