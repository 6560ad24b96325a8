"""A table of a page, and the questions that its buttons ask."""

from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

from nicegui import ui

from ttsai_server.console.view import View
from ttsai_server.domain import Caller

Work = Callable[[Caller], Awaitable[None]]


class Listing:
    """A table whose rows are written anew."""

    def __init__(self, caption: str, heads: Sequence[str]) -> None:
        """caption: what it is, for screen readers."""
        frame = ui.element("div").classes("listing full-width")
        frame.props["tabindex"], frame.props["role"], frame.props["aria-label"] = 0, "region", caption
        with frame, ui.element("table"):
            with ui.element("thead"), ui.element("tr"):
                for head in heads:
                    with ui.element("th").props('scope="col"'):
                        ui.label(head)
            self._body = ui.element("tbody")

    def clear(self) -> None:
        self._body.clear()

    @contextmanager
    def row(self, *cells: object) -> Generator[list[ui.label]]:
        """Add a row of texts, whose last cell holds what is made in the block. → the labels of the texts."""
        with self._body, ui.element("tr"):
            labels: list[ui.label] = []
            for cell in cells:
                with ui.element("td"):
                    labels.append(ui.label("" if cell is None else str(cell)))
            with ui.element("td"), ui.row().classes("items-center no-wrap"):
                yield labels


def small_button(view: View, text: str, work: Work, about: str) -> ui.button:
    """A button of a row. about: what the row is, for screen readers."""
    button = ui.button(text).props("flat dense no-caps")
    button.props["aria-label"] = f"{text}: {about}"
    return button.on_click(view.action(work, button))


def asking_button(text: str, about: str, ask: Callable[[], None]) -> ui.button:
    """A button of a row that opens a question. about: as of `small_button`."""
    button = ui.button(text, on_click=ask).props("flat dense no-caps")
    button.props["aria-label"] = f"{text}: {about}"
    return button


class Questions:
    """The dialog in which a page asks before it does something."""

    def __init__(self, view: View) -> None:
        self._view = view
        with ui.dialog() as self._dialog:
            self._card = ui.card()

    @contextmanager
    def asked(self, text: str, answer: str, work: Work) -> Generator[None]:
        """Ask, with what is made in the block. The button does the work, and closes the dialog if that ends well."""
        self._card.clear()
        with self._card:
            ui.label(text)
            yield
            with ui.row():
                ui.button("Leave it", on_click=self._dialog.close).props("flat")
                yes = ui.button(answer)
        yes.on_click(self._view.action(partial(self._do, work), yes))
        self._dialog.open()

    def button(self, text: str, work: Work, about: str, question: str) -> ui.button:
        """A button of a row that asks before it does something that can't be undone. about: as of `small_button`."""
        return asking_button(text, about, partial(self._confirm, question, text, work)).props("color=negative")

    def _confirm(self, question: str, answer: str, work: Work) -> None:
        with self.asked(question, answer, work):
            pass

    async def _do(self, work: Work, caller: Caller) -> None:
        await work(caller)
        self._dialog.close()


def section(title: str) -> None:
    ui.label(title).classes("section").props('role="heading" aria-level="2"')


def moment(at: float | None) -> str:
    """Unix seconds → date and time in UTC; empty for None."""
    return "" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
