"""Models: how those of this server are; loaded, unloaded, pulled and installed by administrators."""

from functools import partial

from nicegui import ui

from ttsai_server.console.listing import Listing, small_button
from ttsai_server.console.pages.page import Page
from ttsai_server.console.view import View
from ttsai_server.domain import Caller
from ttsai_server.services.model_administration import ModelStatus
from ttsai_server.services.model_tasks import Action, ModelTask

LOOK_SECONDS = 5.0
"""A look at all files of all models takes tenths of a second."""
STATES = {"ready": "ready", "needs_pull": "not downloaded", "needs_install": "not installed", "broken": "broken"}


class ModelsPage:
    def __init__(self, view: View) -> None:
        self._view = view
        self._desk = view.services.model_administration
        self._filter = ui.input("Search").props("clearable")
        self._filter.on_value_change(self.refresh)
        heads = ("Model", "Does", "State", "Files, MB", "Memory, MB", "Held by", "Queue", "Under way", "Change")
        self._listing = Listing("Models", heads)
        self._rows: dict[str, tuple[object, list[ui.label]]] = {}
        """By the model's id: what its buttons depend on, and its labels."""

    async def refresh(self) -> None:
        """Show how they are. Rows are made anew only if their buttons change: those keep their focus."""
        await self._view.administrator()
        wanted = (self._filter.value or "").lower()
        models = [each for each in await self._desk.statuses() if wanted in each.facts.id.lower()]
        if {each.facts.id: _buttons(each) for each in models} != {id: shown for id, (shown, _) in self._rows.items()}:
            self._listing.clear()
            self._rows = {each.facts.id: (_buttons(each), self._row(each)) for each in models}
        for each in models:
            for label, text in zip(self._rows[each.facts.id][1], _texts(each), strict=True):
                label.text = text

    def _row(self, model: ModelStatus) -> list[ui.label]:
        id = model.facts.id
        with self._listing.row(*_texts(model)) as labels:
            for text in _buttons(model):
                works = {
                    "Load": self._load,
                    "Unload": self._unload,
                    "Pull": partial(self._start, "pull"),
                    "Install": partial(self._start, "install"),
                }
                small_button(self._view, text, partial(works[text], id), id)
        return labels

    async def _load(self, model: str, caller: Caller) -> None:
        await self._desk.load(await self._view.administrator(), model)
        await self.refresh()

    async def _unload(self, model: str, caller: Caller) -> None:
        if not await self._desk.unload(await self._view.administrator(), model):
            ui.notify(f"{model} is in use, or not loaded.", type="warning")
        await self.refresh()

    async def _start(self, action: Action, model: str, caller: Caller) -> None:
        await self._desk.start(await self._view.administrator(), model, action)
        await self.refresh()


def _buttons(model: ModelStatus) -> tuple[str, ...]:
    """What can be done with it now."""
    if model.task and model.task.state == "running":
        return ()
    if model.state and model.state.loaded:
        return ("Unload",)
    return {"ready": ("Load",), "needs_install": ("Install",), "needs_pull": ("Pull",), "broken": ("Pull", "Install")}[
        model.facts.availability.status
    ]


def _texts(model: ModelStatus) -> tuple[str, ...]:
    facts, state = model.facts, model.state
    reason = f": {facts.availability.reason}" if facts.availability.reason else ""
    found = f"{STATES[facts.availability.status]}{reason}"
    now = "loaded" if state and state.loaded else "loading" if state and state.loading else found
    crashed = ", has crashed" if state and state.crashed else ""
    return (
        facts.id,
        ", ".join(task.replace("_", " ") for task in facts.tasks),
        now + crashed,
        str(facts.size_mb or ""),
        str(state.memory_mb if state and state.loaded else ""),
        str(state.leases if state else 0),
        str(state.waiting if state else 0),
        _task(model.task),
    )


def _task(task: ModelTask | None) -> str:
    if task is None:
        return ""
    if task.state == "failed":
        return f"{task.action} failed: {task.error}"
    if task.state == "completed":
        return f"{task.action} completed"
    share = f" {task.done / task.total:.0%}" if task.total else f" {task.done / 1e6:.1f} MB" if task.done else ""
    return f"{task.action}: {task.step}{share}"


async def build(view: View) -> None:
    page = ModelsPage(view)
    await page.refresh()
    view.every(LOOK_SECONDS, page.refresh)


PAGE = Page("models", "Models", "memory", build, for_administrators=True)
