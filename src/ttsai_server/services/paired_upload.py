"""A recording and a reference in one file, since a job has one upload: the reference lies behind the recording."""

import io
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import BinaryIO, cast


def join(recording: BinaryIO, reference: BinaryIO) -> tuple[BinaryIO, int]:
    """→ a new file with both, for the caller to close, and the reference's length, bytes. Blocking."""
    both = cast(BinaryIO, TemporaryFile())  # noqa: SIM115 closed by whom it is handed to
    lengths: list[int] = []
    for file in (recording, reference):
        file.seek(0)
        copyfileobj(file, both, 1 << 18)
        lengths.append(both.tell())
    both.seek(0)
    return both, lengths[1] - lengths[0]


def split(both: BinaryIO, reference_bytes: int) -> tuple[BinaryIO, BinaryIO]:
    """The recording and the reference of a file from `join`; views of it, which need no closing."""
    size = both.seek(0, io.SEEK_END)
    cut = size - reference_bytes
    return _view(both, 0, cut), _view(both, cut, size)


def _view(file: BinaryIO, start: int, end: int) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_View(file, start, end), 1 << 16))


class _View(io.RawIOBase):
    """The bytes of a file from `start` to `end`; closing it leaves the file open."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        self._file = file
        self._start = start
        self._end = end
        self._at = start

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: self._start, io.SEEK_CUR: self._at, io.SEEK_END: self._end}[whence]
        self._at = max(self._start, base + offset)
        return self._at - self._start

    def readinto(self, buffer: bytearray | memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        self._file.seek(self._at)
        data = self._file.read(max(0, min(len(buffer), self._end - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
