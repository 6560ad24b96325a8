"""Temporary files whose bytes are counted, so that recordings can't fill the disk."""

import os
from io import BufferedRandom, FileIO
from math import inf
from tempfile import SpooledTemporaryFile, TemporaryFile
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO

from ttsai_server.errors import DiskFull, FileTooLarge

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class TempDisk:
    """Bytes of temporary files that may exist at the same time. Thread-safe."""

    def __init__(self, most: float = inf, whole: "TempDisk | None" = None) -> None:
        """most: bytes; inf: no limit. whole: another limit, of which this one is a part: both have to be kept."""
        self.used = 0
        """Bytes."""
        self._most = most
        self._whole = whole
        self._lock = Lock()

    def take(self, size: int) -> None:
        """Count so many more bytes. Raises DiskFull, and counts nothing, if they are too many."""
        if self._whole:
            self._whole.take(size)
        with self._lock:
            full = self.used + size > self._most
            self.used += 0 if full else size
        if full:
            if self._whole:
                self._whole.give(size)
            raise DiskFull

    def give(self, size: int) -> None:
        """So many bytes have been deleted."""
        with self._lock:
            self.used -= size
        if self._whole:
            self._whole.give(size)


class TempFile(FileIO):
    """An unnamed, unbuffered temporary file, deleted when it is closed."""

    def __init__(self, disk: TempDisk, most: float = inf) -> None:
        """disk: counts its bytes. most: its longest, bytes."""
        with TemporaryFile(buffering=0) as file:
            super().__init__(os.dup(file.fileno()), "r+b")
        self._disk = disk
        self._most = most
        self._size = 0

    def write(self, data: "ReadableBuffer", /) -> int:
        """Raises FileTooLarge beyond the file's longest, DiskFull beyond what the disk may hold."""
        size = memoryview(data).nbytes
        more = max(0, self.tell() + size - self._size)
        if self._size + more > self._most:
            raise FileTooLarge(
                f"The result would be longer than {self._most / 1e6:,.0f} MB, the most that the plan allows. "
                "Ask for a compressed format, or send a shorter recording.",
                param="file",
            )
        self._disk.take(more)
        self._size += more
        return super().write(data)

    def close(self) -> None:
        """Idempotent."""
        if not self.closed:
            self._disk.give(self._size)
            self._size = 0
        super().close()


class SpooledUpload(SpooledTemporaryFile[bytes]):
    """A file that is written once, in memory until it has more than so many bytes; then all of it is counted."""

    def __init__(self, disk: TempDisk, in_memory: int) -> None:
        super().__init__(in_memory)
        self._disk = disk
        self._in_memory = in_memory
        self._counted = 0

    def write(self, s: "ReadableBuffer") -> int:
        """Raises DiskFull beyond what the disk may hold."""
        size = self.tell() + memoryview(s).nbytes
        if size > self._in_memory:
            self._disk.take(size - self._counted)
            self._counted = size
        return super().write(s)

    def close(self) -> None:
        """Idempotent."""
        self._disk.give(self._counted)
        self._counted = 0
        super().close()


def buffered(file: TempFile) -> BinaryIO:
    """The same file, with a buffer, for writers of small pieces."""
    return BufferedRandom(file)
