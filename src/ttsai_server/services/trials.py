"""What happened when models were last tried on this machine: whether they could be loaded, and how fast they are."""

import json
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from anyio import to_thread
from pydantic import TypeAdapter, ValidationError

from ttsai_server.domain import ModelCard
from ttsai_server.engines.catalog import load_class
from ttsai_server.engines.environments import is_whole
from ttsai_server.engines.installation import import_fault, install_command, reinstall_command, require_installed
from ttsai_server.engines.weights import check, is_checked
from ttsai_server.engines.weights.base import Progress, silent
from ttsai_server.engines.weights.model_folder import ModelFolder
from ttsai_server.errors import ModelLoading, NotReady, WeightsMissing
from ttsai_server.runtime.base import LoadedModel
from ttsai_server.services.availability import Availability, availability
from ttsai_server.settings import Models, Settings

Start = Callable[[ModelCard], Awaitable[LoadedModel]]


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a model did a standard piece of work, once it was loaded."""

    cpu_seconds: float | None
    """Processor time of all threads; None: this system does not report it."""
    seconds: float
    """Time on the clock."""
    sound_seconds: float
    """Length of the sound that was made, or worked on; 0 for work on text."""
    measured_at: str
    """ISO 8601, UTC."""

    @property
    def real_time_factor(self) -> float | None:
        """Seconds of work for a second of sound; None for work on text."""
        return round(self.seconds / self.sound_seconds, 3) if self.sound_seconds else None


@dataclass(frozen=True, slots=True)
class Trial:
    fault: str = ""
    """Why it could not be used; empty: it could."""
    command: str = ""
    """What the operator has to run then."""
    of: str = ""
    """Fingerprint of the files, packages and settings that had the fault: others may not."""
    speed: Speed | None = None


_TRIAL = TypeAdapter(Trial)


class Trials:
    """The results, a file a model in `data_dir`."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.data_dir / "trials"
        self._models = settings.models

    def availability(self, card: ModelCard) -> Availability:
        """As `availability`; and broken if it could not be used when it was tried, and nothing has changed since."""
        found = availability(card, self._models)
        if found.status != "ready":
            return found
        trial = self._read(card)
        if not trial.fault or trial.of != fingerprint(card, self._models):
            return found
        return Availability("broken", trial.command, trial.fault)

    def first_ready(self, cards: Sequence[ModelCard], otherwise: ModelCard) -> ModelCard:
        """The first that is ready and could be used when it was tried; else the first that may be tried again, as its
        files and packages are here; else `otherwise`, where a request may fetch weights.

        Raises PackagesMissing or WeightsMissing, of `otherwise`.
        """
        for source in (self.availability, partial(availability, models=self._models)):
            for card in cards:
                if source(card).status == "ready":
                    return card
        if not self._models.workers:
            require_installed(otherwise, self._models.dir)
        if not self._models.auto_pull:
            raise WeightsMissing(otherwise.id)
        return otherwise

    def speed(self, card: ModelCard) -> Speed | None:
        """None if it has not been measured."""
        return self._read(card).speed

    def measured(self, card: ModelCard, speed: Speed) -> None:
        self._write(card, Trial(speed=speed))

    def failed(self, card: ModelCard, fault: str, command: str) -> None:
        trial = self._read(card)
        self._write(card, replace(trial, fault=fault, command=command, of=fingerprint(card, self._models)))

    def succeeded(self, card: ModelCard) -> None:
        trial = self._read(card)
        if trial.fault:
            self._write(card, replace(trial, fault="", command="", of=""))

    def check(self, card: ModelCard, progress: Progress = silent) -> Availability:
        """Find out what can be known without loading it: whether its files have the right checksums, if one of them has
        changed since that was last looked at, and whether its packages can be imported. Blocking, seconds.
        """
        if not is_checked(card, self._models.dir):
            check(card, self._models.dir, progress)
        if not install_command(card, self._models.dir):
            if fault := import_fault(card, self._models.dir):
                self.failed(card, fault, reinstall_command(card, self._models.dir))
            else:
                self.succeeded(card)
        return self.availability(card)

    def watching(self, start: Start) -> Start:
        """A function that loads models as `start` does, and notes those that can't be loaded."""

        async def watched(card: ModelCard) -> LoadedModel:
            try:
                model = await start(card)
            except (ModelLoading, NotReady):  # to be tried again, or known to be missing
                raise
            except Exception as error:
                await to_thread.run_sync(self.failed, card, f"{error}", f"ttsai-server models check {card.id}")
                raise
            await to_thread.run_sync(self.succeeded, card)
            return model

        return watched

    def _file(self, card: ModelCard) -> Path:
        return self._folder / f"{card.id}.json"

    def _read(self, card: ModelCard) -> Trial:
        try:
            return _TRIAL.validate_json(self._file(card).read_bytes())
        except (OSError, ValidationError):  # none yet, damaged, or as another version writes it
            return Trial()

    def _write(self, card: ModelCard, trial: Trial) -> None:
        draft = self._file(card).with_suffix(f".{os.getpid()}")
        with suppress(OSError):  # a full disk is not a fault of the model
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(asdict(trial)), "utf-8")
            draft.replace(self._file(card))


def fingerprint(card: ModelCard, models: Models) -> str:
    """Changes whenever a file of the model, one of its engine's packages or its settings do; reads no weights."""
    model = ModelFolder(card, models.dir)
    specs = [find_spec(package) for package in load_class(card).packages]
    origins = [Path(spec.origin) for spec in specs if spec and spec.origin]
    packages = [(str(file), file.stat().st_mtime_ns) for file in origins if file.exists()]
    files = [(file, model.stamp(file)) for file in model.files]
    made = card.environment and is_whole(card, models.dir)
    return sha256(repr((files, packages, made, models.options.get(card.id))).encode()).hexdigest()
