"""What the fetchers share."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from ttsai_server.domain import Source

Progress = Callable[[str, int, int | None], None]
"""Told (what is under way, done, total or None if that is not known), in bytes; often, from the thread that pulls."""

Fetcher = Callable[[Source, Sequence[str], Path, Progress], Iterator[tuple[str, Path]]]
"""(source, files of it that are wanted, scratch folder that outlives an interruption, progress) → each file with the
path of its whole, unchecked content in the scratch folder. Raises Unavailable for the source as a whole, or yields less
than is wanted."""

BLOCK = 1 << 20
"""Bytes read at a time."""


class Unavailable(Exception):
    """A source would not give a file, and why; the next source is tried."""


class Corrupt(Unavailable):
    """What came is not what should have: whatever was kept to go on from is not trusted either."""


def silent(what: str, done: int, total: int | None) -> None:
    """The Progress that nobody watches."""


def copy(parts: Sequence[tuple[BinaryIO, int]], target: Path, progress: Progress, what: str) -> None:
    """Write streams, each with its size in bytes, to `target` one after the other."""
    done, total = 0, sum(size for _, size in parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as out:
        for stream, _ in parts:
            while block := stream.read(BLOCK):
                done += out.write(block)
                progress(what, done, total)
