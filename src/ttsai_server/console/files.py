"""Files of a session: what it has uploaded or recorded, and what was made for it. Read while they are still written."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from io import BytesIO
from pathlib import Path
from secrets import token_urlsafe
from typing import BinaryIO

from starlette.responses import FileResponse, Response, StreamingResponse

from ttsai_server.api.audio_response import file_headers
from ttsai_server.audio.temp_disk import TempDisk
from ttsai_server.errors import NotFound, Unauthorized

MOST_FILES = 40
MOST_BYTES = 1 << 30
"""Of a session's files together; beyond either, the oldest are deleted."""
READ_BYTES = 1 << 16
GONE = "The file is gone: newer ones have taken its place."
PLAYABLE = ("audio/", "video/")
"""Content types that are sent as they are; of an upload, any other could be a page with scripts."""


class KeptFile:
    """A file that one task writes, and that any number of requests read at the same time."""

    def __init__(self, path: Path, name: str, content_type: str, disk: TempDisk) -> None:
        """name: as it is saved by the browser. disk: counts its bytes."""
        self.id = path.name
        self.name = name
        self.content_type = content_type
        self.path = path
        self.size = 0
        """Bytes written so far."""
        self.failed = False
        """Whether it ended before it was whole."""
        self._file: BinaryIO | None = path.open("wb", buffering=0)
        self._more = asyncio.Condition()
        self._disk = disk
        self._counted = 0

    @property
    def address(self) -> str:
        """Its URL, relative to every page of the console."""
        return f"files/{self.id}"

    async def write(self, data: bytes) -> None:
        """Append; readers get it at once.

        Raises OSError, DiskFull beyond the account's share of the disk, or NotFound if it has been deleted meanwhile.
        """
        if self._file is None:
            raise NotFound(GONE)
        self._disk.take(len(data))
        self._counted += len(data)
        try:
            await asyncio.to_thread(_write, self._file, data)
        except ValueError:  # it has been closed
            raise NotFound(GONE) from None
        self.size += len(data)
        async with self._more:
            self._more.notify_all()

    async def end(self, *, failed: bool = False) -> None:
        """Nothing follows. Idempotent."""
        if self._file:
            self._file.close()
            self._file, self.failed = None, failed
        async with self._more:
            self._more.notify_all()

    async def fill(self, parts: AsyncIterable[bytes]) -> None:
        """Write the parts, and end it. Raises what they raise; then the file has failed."""
        whole = False
        try:
            async for part in parts:
                await self.write(part)
            whole = True
        finally:
            await self.end(failed=not whole)

    def response(self, *, save: bool = False) -> Response:
        """The file, with ranges once it is whole; before, as it is written. save: not to be shown in place."""
        headers = file_headers(self.name)
        if save:
            headers["Content-Disposition"] = headers["Content-Disposition"].replace("inline", "attachment", 1)
        if self._file:
            return StreamingResponse(self._read(), headers=headers, media_type=self.content_type)
        return FileResponse(self.path, headers=headers, media_type=self.content_type)

    def delete(self) -> None:
        """Idempotent."""
        if self._file:
            self._file.close()
            self._file, self.failed = None, True
        self.path.unlink(missing_ok=True)
        self._disk.give(self._counted)
        self._counted = 0

    async def _read(self) -> AsyncGenerator[bytes]:
        with self.path.open("rb") as file:
            while True:
                if data := await asyncio.to_thread(file.read, READ_BYTES):
                    yield data
                elif self._file is None:
                    if self.failed:
                        raise OSError(f"{self.name} is incomplete")
                    return
                else:
                    await self._grown(file.tell())

    async def _grown(self, size: int) -> None:
        async with self._more:
            await self._more.wait_for(lambda: self.size > size or self._file is None)


class Files:
    """The files of one session, by their ids, which can't be guessed."""

    def __init__(self, folder: Path, disk: TempDisk) -> None:
        """disk: counts their bytes."""
        self._folder = folder
        self._disk = disk
        self._files: dict[str, KeptFile] = {}
        self._closed = False

    def create(self, name: str, content_type: str) -> KeptFile:
        """A new, empty file. Older ones make room for it. Raises Unauthorized once they are closed."""
        if self._closed:
            raise Unauthorized("You have signed out.")
        while len(self._files) >= MOST_FILES or sum(file.size for file in self._files.values()) > MOST_BYTES:
            self._files.pop(next(iter(self._files))).delete()
        file = KeptFile(self._folder / token_urlsafe(16), name, content_type, self._disk)
        self._files[file.id] = file
        return file

    async def keep(self, name: str, content_type: str, data: bytes | BinaryIO) -> KeptFile:
        """A file with this content. data: a file is read from its start, and stays open."""
        file = self.create(name, content_type)
        await file.fill(_parts(BytesIO(data) if isinstance(data, bytes) else data))
        return file

    def get(self, id: str) -> KeptFile | None:
        """The file with this id; None if there is none any more, or it has failed."""
        file = self._files.get(id)
        return None if file is None or file.failed else file

    def close(self) -> None:
        """Delete all, and take no more."""
        self._closed = True
        while self._files:
            self._files.popitem()[1].delete()


def playable(content_type: str) -> str:
    """The content type that an upload is sent back with."""
    kind = content_type.split(";")[0].strip().lower()
    return kind if kind.startswith(PLAYABLE) else "application/octet-stream"


async def _parts(data: BinaryIO) -> AsyncGenerator[bytes]:
    data.seek(0)
    while part := await asyncio.to_thread(data.read, READ_BYTES):
        yield part


def _write(file: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:  # unbuffered: a write may be partial
        view = view[file.write(view) :]
