"""A model's folder: which files it has and should have, and how a file is put there."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ttsai_server.domain import ModelCard, Source
from ttsai_server.engines.weights.base import BLOCK, Corrupt, Progress, silent

SCRATCH = ".partial"


def missing_files(card: ModelCard, models: Path) -> list[str]:
    """Files of the card that don't exist under `models`/<id>/; reads none."""
    folder = ModelFolder(card, models).folder
    return [file for file in (*wanted(card), *card.derived) if not (folder / file).is_file()]


def verify(card: ModelCard, models: Path, progress: Progress = silent) -> list[str]:
    """Files of the card that don't exist or whose checksum is wrong; reads every file."""
    model = ModelFolder(card, models)
    return [*model.wrong(progress), *(file for file in card.derived if not (model.folder / file).is_file())]


def wanted(card: ModelCard) -> list[str]:
    """All files of the card's sources, without duplicates."""
    return list(dict.fromkeys(file for source in card.sources for file in source.files))


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

    def place(self, source: Source, file: str, content: Path) -> None:
        """Move a downloaded file to its final name, atomically. Raises Corrupt if its checksum is wrong."""
        found = checksum(content)
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


def checksum(path: Path, progress: Progress = silent, what: str = "") -> str:
    """sha256 of a file, hexadecimal."""
    digest, done, total = hashlib.sha256(), 0, path.stat().st_size
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
