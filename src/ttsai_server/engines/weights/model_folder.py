"""A model's folder: which files it has and should have, and how a file is put there."""

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ttsai_server.domain import ModelCard, Source
from ttsai_server.engines.weights.base import BLOCK, Corrupt, Progress, silent

SCRATCH = ".partial"
CHECKED = ".checked.json"
"""File in a model's folder: which files were checked, how long and how old they were, and whether they were right."""


def missing_files(card: ModelCard, models: Path) -> list[str]:
    """Files of the card that don't exist under `models`/<id>/; reads none."""
    folder = ModelFolder(card, models).folder
    return [file for file in (*wanted(card), *card.derived) if not (folder / file).is_file()]


def verify(card: ModelCard, models: Path, progress: Progress = silent) -> list[str]:
    """Files of the card that don't exist or whose checksum is wrong; reads every file."""
    model = ModelFolder(card, models)
    return [*model.wrong(progress), *(file for file in card.derived if not (model.folder / file).is_file())]


def damage(card: ModelCard, models: Path) -> str:
    """What is known to be wrong with files that are there, as `model.onnx is empty`; empty if nothing is.

    Reads no weights: it compares sizes with those at the last check, and repeats what that has found.
    """
    model = ModelFolder(card, models)
    checked = model.checked()
    found = (_damage(file, model.stamp(file), checked.get(file)) for file in model.files)
    return next(filter(None, found), "")


def is_checked(card: ModelCard, models: Path) -> bool:
    """Whether the checksum of every file was looked at, and no file has changed since."""
    model = ModelFolder(card, models)
    checked = model.checked()
    return all(file in checked and checked[file].stamp == model.stamp(file) for file in model.files)


def check(card: ModelCard, models: Path, progress: Progress = silent) -> list[str]:
    """As `verify`, and records the result, which `damage` then knows."""
    found = verify(card, models, progress)
    ModelFolder(card, models).record(found)
    return found


def wanted(card: ModelCard) -> list[str]:
    """All files of the card's sources, without duplicates."""
    return list(dict.fromkeys(file for source in card.sources for file in source.files))


Stamp = tuple[int, int]
"""Size of a file, bytes, and when it was last changed, nanoseconds."""


@dataclass(frozen=True, slots=True)
class CheckedFile:
    stamp: Stamp
    right: bool


@dataclass(frozen=True, slots=True)
class ModelFolder:
    card: ModelCard
    models: Path

    @property
    def folder(self) -> Path:
        return self.models / self.card.id

    @property
    def scratch(self) -> Path:
        """Folder for incomplete downloads; on the same file system, so that they can be moved atomically."""
        return self.folder / SCRATCH

    def wrong(self, progress: Progress = silent) -> list[str]:
        """Files that don't exist, or whose checksum is not that of any source."""
        right = self._checksums()
        return [file for file in wanted(self.card) if self._checksum(file, progress) not in right[file]]

    @property
    def files(self) -> list[str]:
        """All files that the model has when it is ready."""
        return [*wanted(self.card), *self.card.derived]

    def stamp(self, file: str) -> Stamp | None:
        """None if there is no such file."""
        try:
            found = (self.folder / file).stat()
        except OSError:
            return None
        return found.st_size, found.st_mtime_ns

    def record(self, wrong: Collection[str] = ()) -> None:
        """Note that all files have been checked, and which are wrong. A folder that can't be written is left alone."""
        stamps = ((file, self.stamp(file)) for file in self.files)
        entries = {file: [*stamp, file not in wrong] for file, stamp in stamps if stamp}
        draft = self.folder / f"{CHECKED}.draft"
        with suppress(OSError):
            draft.write_text(json.dumps(entries), "utf-8")
            _settle(draft, self.folder / CHECKED)

    def checked(self) -> Mapping[str, CheckedFile]:
        """What the last check has found; empty if there was none."""
        try:
            entries = json.loads((self.folder / CHECKED).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return {file: CheckedFile((size, changed), right) for file, (size, changed, right) in entries.items()}

    def place(self, source: Source, file: str, content: Path) -> None:
        """Move a downloaded file to its final name, atomically. Raises Corrupt if its checksum is wrong."""
        found = checksum(content)
        if (expected := source.md5.get(file)) and (md5 := checksum(content, kind="md5")) != expected:
            raise Corrupt(f"{file}: its md5 is {md5}, which should be {expected}")
        known = source.sha256.get(file) or self._lock().get(str(source), {}).get(file)
        if known not in (None, found):
            raise Corrupt(f"{file}: its sha256 is {found}, which should be {known}")
        if known is None:
            self._record(source, file, found)
        target = self.folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        _settle(content, target)

    def _checksums(self) -> Mapping[str, set[str]]:
        """File → all valid checksums: those in the card and those recorded by earlier pulls."""
        lock, right = self._lock(), {file: set[str]() for file in wanted(self.card)}
        for source in self.card.sources:
            known = {**lock.get(str(source), {}), **source.sha256}
            for file in source.files.keys() & known.keys():
                right[file].add(known[file])
        return right

    def _checksum(self, file: str, progress: Progress) -> str | None:
        path = self.folder / file
        return checksum(path, progress, f"checking {file}") if path.is_file() else None

    @property
    def _lock_file(self) -> Path:
        return self.models / f"{self.card.id}.lock"

    def _lock(self) -> dict[str, dict[str, str]]:
        """Source → file → checksum recorded when the file was first pulled from there."""
        file = self._lock_file
        return cast("dict[str, dict[str, str]]", json.loads(file.read_text("utf-8"))) if file.is_file() else {}

    def _record(self, source: Source, file: str, found: str) -> None:
        lock = self._lock()
        lock.setdefault(str(source), {})[file] = found
        draft = self._lock_file.with_suffix(".lock.draft")
        draft.write_text(json.dumps(lock, indent=2, sort_keys=True) + "\n", "utf-8")
        _settle(draft, self._lock_file)


def _damage(file: str, stamp: Stamp | None, checked: CheckedFile | None) -> str:
    if stamp is None:  # it is missing
        return ""
    size = stamp[0]
    if not size:
        return f"{file} is empty"
    if checked and checked.stamp[0] != size:
        return f"{file} has {size:,} bytes, and had {checked.stamp[0]:,} when it was checked"
    return f"{file} has a wrong checksum" if checked and checked.stamp == stamp and not checked.right else ""


def checksum(path: Path, progress: Progress = silent, what: str = "", *, kind: str = "sha256") -> str:
    """Checksum of a file, hexadecimal. kind: sha256 or md5."""
    digest, done, total = hashlib.new(kind, usedforsecurity=False), 0, path.stat().st_size
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            done += len(block)
            progress(what, done, total)
    return digest.hexdigest()


def _settle(draft: Path, target: Path) -> None:
    """Replace `target` atomically, after an fsync: a power cut leaves either the old or the new file."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(target)
