"""Decoded sound on disk: hours of it take no memory."""

import os
from collections.abc import Generator, Mapping
from io import FileIO
from tempfile import TemporaryFile
from typing import Self

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 17
"""Frames that are read or written at a time."""


class Stopped(Exception):
    """Whoever asked for the work has said so, and knows why."""


class Recording:
    """Sound of any length, float32 in [-1, 1], read a stretch at a time; a nameless file that is gone when closed.

    Written by one thread; then read by any number of threads at once.
    """

    def __init__(self, rate: int, channels: int = 1, file: FileIO | None = None) -> None:
        """file: of another recording, opened anew, to read what that one holds; None: a new one."""
        self.rate = rate
        """Hertz."""
        self.channels = channels
        self.frames = 0
        """Length in samples of one channel."""
        self.depth = 16
        """Bits a sample that its source was exact to: 16, or 24 for all that is deeper."""
        self.tags: Mapping[str, str] = {}
        """What its source says of itself: names as FFmpeg has them (title, artist, album, …) → values."""
        self._file = file or TemporaryFile(buffering=0)  # noqa: SIM115 closed by `close`

    @property
    def seconds(self) -> float:
        return self.frames / self.rate

    def fileno(self) -> int:
        """Its file's descriptor, to open it anew in another process."""
        return self._file.fileno()

    def append(self, samples: NDArray[np.float32]) -> None:
        """Add float32 (n, channels) to the end. Raises OSError when the disk is full."""
        data = memoryview(np.ascontiguousarray(samples, np.float32).tobytes())
        while data:  # a full disk first takes a part, then raises
            data = data[self._file.write(data) :]
        self.frames += len(samples)

    def read(self, start: int, count: int) -> NDArray[np.float32]:
        """float32 (n, channels) from frame `start` on: `count` frames, or as many as there are."""
        width = 4 * self.channels
        data = os.pread(self._file.fileno(), count * width, start * width)
        return np.frombuffer(data, np.float32).reshape(-1, self.channels)

    def pad(self, frames: int) -> None:
        """Add silence to the end."""
        for start in range(0, frames, BLOCK):
            self.append(np.zeros((min(BLOCK, frames - start), self.channels), np.float32))

    def blocks(self) -> Generator[NDArray[np.float32]]:
        """All of it, in stretches of BLOCK frames or less."""
        for start in range(0, self.frames, BLOCK):
            yield self.read(start, BLOCK)

    def close(self) -> None:
        """Free the disk space. Idempotent."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
