"""Jobs: the account's own, as they go on; their results."""

from functools import partial

from nicegui import ui

from ttsai_server.console.listing import Listing, Questions, moment
from ttsai_server.console.pages.page import Page
from ttsai_server.console.view import View
from ttsai_server.domain import Caller
from ttsai_server.store.jobs import COMPLETED, Job

SHOWN = 50
"""The newest jobs that are shown."""
LOOK_SECONDS = 1.0


class JobsPage:
    def __init__(self, view: View) -> None:
        self._view = view
        self._questions = Questions(view)
        self._empty = ui.label("There is none. Requests with `async` or `webhook_url` make jobs.")
        self._listing = Listing("Jobs", ("Job", "What", "Model", "State", "Credits", "Began", "Result"))
        self._rows: dict[str, tuple[str, ui.label]] = {}
        """By the job's id: its state, and where it is shown."""

    async def refresh(self) -> None:
        """Show how they are. Rows are made anew only if a job has come or gone, or ended: buttons keep their focus."""
        jobs = await self._view.services.jobs.recent(await self._view.caller(), SHOWN)
        if {job.id: job.state for job in jobs} != {id: state for id, (state, _) in self._rows.items()}:
            self._listing.clear()
            self._rows = {job.id: (job.state, self._row(job)) for job in jobs}
        for job in jobs:
            self._rows[job.id][1].text = _state(job)
        self._empty.visible = not jobs

    def _row(self, job: Job) -> ui.label:
        with self._listing.row(job.id, job.kind, job.model, "", job.credits, moment(job.created_at)) as labels:
            if job.ended_at is None:
                asked = f"Cancel {job.id}? Its credits return."
                self._questions.button("Cancel", partial(self._cancel, job.id), job.id, asked)
            elif job.state == COMPLETED:
                address = f"../v1/results/{job.id}.{job.name.rpartition('.')[2]}"
                ui.link(job.name, address, new_tab=True)
        return labels[3]

    async def _cancel(self, job: str, caller: Caller) -> None:
        await self._view.services.jobs.cancel(caller, job)
        await self.refresh()


def _state(job: Job) -> str:
    if job.error_message:
        return f"{job.state}: {job.error_message}"
    return f"{job.state}, {job.progress:.0%}" if job.ended_at is None else job.state


async def build(view: View) -> None:
    page = JobsPage(view)
    await page.refresh()
    view.every(LOOK_SECONDS, page.refresh)


PAGE = Page("jobs", "Jobs", "list", build)
