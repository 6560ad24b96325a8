"""Sound that a Wyoming client sends, as a WAV file."""

import wave
from contextlib import suppress
from types import TracebackType
from typing import BinaryIO, Self, cast

from wyoming.audio import AudioChunk, AudioFormat

from ttsai_server.audio.temp_disk import SpooledUpload, TempDisk

IN_MEMORY_BYTES = 1 << 20
WIDTHS, CHANNELS, RATES = (1, 2, 3, 4), (1, 2), range(8_000, 192_001)
"""Bytes of a sample, channels, Hertz."""


class Recording:
    """Kept in memory while it is short, then on disk, where it is counted."""

    def __init__(self, format: AudioFormat, most_bytes: int, disk: TempDisk) -> None:
        """Raises ValueError for a format that there can't be."""
        if format.width not in WIDTHS or format.channels not in CHANNELS or format.rate not in RATES:
            raise ValueError(
                f"sound of {format.rate} Hz, {format.width} bytes, {format.channels} channels is not taken"
            )
        self._file = cast(BinaryIO, SpooledUpload(disk, IN_MEMORY_BYTES))
        self._wave = wave.open(self._file, "wb")  # noqa: SIM115 closed by `finish` or `__exit__`
        self._wave.setframerate(format.rate)
        self._wave.setsampwidth(format.width)
        self._wave.setnchannels(format.channels)
        self._room = most_bytes

    def add(self, chunk: AudioChunk) -> None:
        """Raises ValueError if it becomes too long, DiskFull if there is no room for it."""
        self._room -= len(chunk.audio)
        if self._room < 0:
            raise ValueError("the recording is too long")
        self._wave.writeframes(chunk.audio)

    def finish(self) -> BinaryIO:
        """The whole file, at its start."""
        self._wave.close()
        self._file.seek(0)
        return self._file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # what was to be written last had no room
            self._wave.close()
        self._file.close()
