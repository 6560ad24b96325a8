"""Decoded sound on disk: hours of it take no memory."""

import os
from tempfile import TemporaryFile
from typing import Self

import numpy as np
from numpy.typing import NDArray


class Recording:
    """Sound of any length, float32 in [-1, 1], read a stretch at a time; a nameless file that is gone when closed.

    Written by one thread; then read by any number of threads at once.
    """

    def __init__(self, rate: int, channels: int = 1) -> None:
        self.rate = rate
        """Hertz."""
        self.channels = channels
        self.frames = 0
        """Length in samples of one channel."""
        self._file = TemporaryFile(buffering=0)  # noqa: SIM115 closed by `close`

    @property
    def seconds(self) -> float:
        return self.frames / self.rate

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

    def close(self) -> None:
        """Free the disk space. Idempotent."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
