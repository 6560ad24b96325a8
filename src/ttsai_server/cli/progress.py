"""Progress bars, always on standard error, so that with `--json` only JSON goes to standard output."""

from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from ttsai_server.engines.weights.base import Progress as Watcher


@contextmanager
def download_bar(title: str) -> Generator[Watcher]:
    """One bar, for the current file; nothing is drawn if standard error is not a terminal."""
    columns = (
        TextColumn(title),
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bars:
        task, current = bars.add_task(""), ""

        def watch(what: str, done: int, total: int | None) -> None:
            nonlocal current
            if what != current:
                bars.reset(task, description=what)
                current = what
            bars.update(task, completed=done, total=total)

        yield watch
