"""Downloads an archive (.tar.gz) from a plain URL, `name`, and takes files out of it; `revision` is its checksum."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ttsai_server.domain import Source
from ttsai_server.engines.weights.archive import members
from ttsai_server.engines.weights.base import Corrupt, Progress
from ttsai_server.engines.weights.http import download, opened
from ttsai_server.engines.weights.model_folder import checksum


def fetch_archive(
    source: Source, wanted: Sequence[str], scratch: Path, progress: Progress
) -> Iterator[tuple[str, Path]]:
    """Download the archive, resuming an interrupted download, and copy the files. Raises Unavailable."""
    name = archive_name(source)
    target = scratch / "archives" / source.revision / name
    with opened({}) as client:
        download(client, source.name, target, progress, name)
    if (found := checksum(target)) != source.revision:
        raise Corrupt(f"{name}: its sha256 is {found}, which should be {source.revision}")
    yield from members(source, [target], wanted, scratch, progress)


def archive_name(source: Source) -> str:
    """The file name of the archive."""
    return source.name.rsplit("/", 1)[-1]
