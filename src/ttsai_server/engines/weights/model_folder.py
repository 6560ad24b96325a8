"""A model's folder: what is in it, what should be, and how a file enters it."""

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
    """Files of the card that are not under `models`/<id>/, told without reading any."""
    folder = ModelFolder(card, models).folder
    return [file for file in (*wanted(card), *card.derived) if not (folder / file).is_file()]


def verify(card: ModelCard, models: Path, progress: Progress = silent) -> list[str]:
    """Files of the card that are not there, or whose checksum is not right; reads every file."""
    shelf = ModelFolder(card, models)
    return [*shelf.wrong(progress), *(file for file in card.derived if not (shelf.folder / file).is_file())]


def wanted(card: ModelCard) -> list[str]:
    """Every file that a source of the card has, once."""
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
        """Where downloads wait to be whole; on the same file system, so that they enter the folder in one step."""
        return self.folder / SCRATCH

    def wrong(self, progress: Progress = silent) -> list[str]:
        """Files that are not there, or have a checksum that no source is known to have."""
        right = self._checksums()
        return [file for file in wanted(self.card) if self._checksum(file, progress) not in right[file]]

    def place(self, source: Source, file: str, content: Path) -> None:
        """Put a fetched file under its final name, in one step, if its checksum is right; else Corrupt."""
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
        """File → every checksum that the card gives or an earlier pull recorded."""
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
        """Source → file → checksum, as found when the file was first pulled from there."""
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
    """Rename over `target`, the content being on the disk first: after a power cut it is the old file or the new."""
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(target)
