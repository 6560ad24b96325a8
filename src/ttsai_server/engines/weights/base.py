"""Types and helpers that the fetchers share."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from ttsai_server.domain import Source

Progress = Callable[[str, int, int | None], None]
"""Called often, in the thread that pulls, with (what is being done, bytes done, total bytes or None if unknown)."""

Fetcher = Callable[[Source, Sequence[str], Path, Progress], Iterator[tuple[str, Path]]]
"""(source, files wanted of it, scratch folder that survives an interruption, progress) → name of each file and path of
its complete, unverified content in the scratch folder. Raises Unavailable if the source fails; may yield fewer files
than wanted."""

BLOCK = 1 << 20
"""Bytes read at a time."""


class Unavailable(Exception):
    """A source can't provide a file; the message says why. The next source is tried."""


class Corrupt(Unavailable):
    """The content is not as expected; partial downloads in the scratch folder are deleted as well."""


def silent(what: str, done: int, total: int | None) -> None:
    """A Progress that does nothing."""


def copy(parts: Sequence[tuple[BinaryIO, int]], target: Path, progress: Progress, what: str) -> None:
    """Concatenate streams, each given with its size in bytes, into the file `target`."""
    done, total = 0, sum(size for _, size in parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as out:
        for stream, _ in parts:
            while block := stream.read(BLOCK):
                done += out.write(block)
                progress(what, done, total)
