"""The interface to the storage of result files."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, Sequence

CHUNK = 512 * 1024
"""Bytes per read."""


class Files(ABC):
    """Storage of files. `Results` chooses their names, 32 hexadecimal digits; each file is written once."""

    @abstractmethod
    async def write(self, name: str, chunks: AsyncIterable[bytes]) -> None:
        """Write the chunks, none of which is empty, to a new file, without holding all of them in memory.

        Raises what the chunks raise; `delete` then removes what was written.
        """

    @abstractmethod
    def read(self, name: str, start: int, stop: int) -> AsyncGenerator[bytes]:
        """The bytes from `start` up to `stop`, within the file. Raises FileNotFoundError before the first chunk."""

    @abstractmethod
    async def delete(self, names: Sequence[str]) -> None:
        """Delete files; one that does not exist is no error."""
