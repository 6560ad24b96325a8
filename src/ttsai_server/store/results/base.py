"""Where the bytes of results lie."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, Sequence

CHUNK = 512 * 1024
"""Bytes read at once."""


class Files(ABC):
    """Files under names that `Results` makes up: 32 hexadecimal digits, each written once."""

    @abstractmethod
    async def write(self, name: str, chunks: AsyncIterable[bytes]) -> None:
        """Make a file of the chunks, none empty, which are never all in memory.

        What a failure leaves behind, `delete` removes. Raises what the chunks raise.
        """

    @abstractmethod
    def read(self, name: str, start: int, stop: int) -> AsyncGenerator[bytes]:
        """Bytes `start` to `stop`, which lie within the file. Raises FileNotFoundError before the first of them."""

    @abstractmethod
    async def delete(self, names: Sequence[str]) -> None:
        """Remove files; it is no error if one is not there."""
