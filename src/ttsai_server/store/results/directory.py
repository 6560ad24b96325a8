"""Result files in a local folder."""

import asyncio
import errno
import os
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from pathlib import Path
from typing import BinaryIO

from ttsai_server.store.results.base import CHUNK, Files


class Directory(Files):
    def __init__(self, folder: Path) -> None:
        """The folder is created with the first file."""
        self._folder = folder

    async def write(self, name: str, chunks: AsyncIterable[bytes]) -> None:
        file = await asyncio.to_thread(self._create, name)
        try:
            async for chunk in chunks:
                await asyncio.to_thread(file.write, chunk)
        finally:
            await asyncio.to_thread(file.close)

    async def read(self, name: str, start: int, stop: int) -> AsyncGenerator[bytes]:
        file = await asyncio.to_thread(self._open, name)
        try:
            file.seek(start)
            while start < stop:
                chunk = await asyncio.to_thread(file.read, min(CHUNK, stop - start))
                if not chunk:
                    raise EOFError(f"{name} ends {stop - start} bytes early")
                start += len(chunk)
                yield chunk
        finally:
            file.close()

    async def delete(self, names: Sequence[str]) -> None:
        await asyncio.to_thread(self._delete, names)

    def _create(self, name: str) -> BinaryIO:
        self._folder.mkdir(parents=True, exist_ok=True)
        return open(self._folder / name, "xb", opener=_private)

    def _open(self, name: str) -> BinaryIO:
        try:
            return open(self._folder / name, "rb", opener=_no_link)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise FileNotFoundError(f"{name} is a link") from error
            raise

    def _delete(self, names: Sequence[str]) -> None:
        for name in names:
            (self._folder / name).unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _no_link(path: str, flags: int) -> int:
    """An opener that refuses symbolic links, which could lead out of the folder."""
    return os.open(path, flags | os.O_NOFOLLOW)
