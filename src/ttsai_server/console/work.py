"""Orders on a file of the visitor, carried out while their progress is shown."""

from collections.abc import Generator, Sequence
from contextlib import aclosing, contextmanager
from typing import Any

from nicegui import ui

from ttsai_server.console.files import KeptFile
from ttsai_server.console.view import View
from ttsai_server.domain import Caller
from ttsai_server.services.flow import Deliver, Order, Outcome, OutputFile, Run


class Progress:
    """A bar that is there while something is under way."""

    def __init__(self, label: str) -> None:
        self._bar = ui.linear_progress(0, show_value=False)
        self._bar.props["aria-label"] = label
        self._bar.visible = False

    @contextmanager
    def shown(self) -> Generator[None]:
        self.set(0)
        self._bar.visible = True
        try:
            yield
        finally:
            self._bar.visible = False

    def set(self, share: float) -> None:
        """share: what is done, 0 to 1."""
        self._bar.value = round(share, 3)


async def carried_out(
    view: View,
    caller: Caller,
    order: Order[Any],
    given: KeptFile,
    progress: Progress,
    deliver: Deliver | None = None,
) -> tuple[Outcome, Sequence[KeptFile]]:
    """Do it, as the API does, and keep the files that it makes. → what was made, and those files.

    Raises what the run raises.
    """
    with (
        given.path.open("rb") as upload,
        await view.services.flow.start(caller, order, upload) as run,
        progress.shown(),
    ):
        async with aclosing(run.steps(deliver)) as steps:
            async for _ in steps:
                progress.set(run.progress)
        outcome = await run.outcome()
        warn(run)
        result = outcome.result
        files = (result,) if isinstance(result, OutputFile) else result.files
        kept = [await view.session.files.keep(file.name, file.content_type, file.file) for file in files]
    return outcome, kept


def warn(run: Run[Any, Any]) -> None:
    """Show what the visitor should know though the run has ended well."""
    for warning in run.warnings:
        ui.notify(warning, type="warning", timeout=10_000)
