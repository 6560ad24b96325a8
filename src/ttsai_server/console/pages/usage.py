"""Usage: credits by day, model and key; the deliveries of webhooks."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from nicegui import ui

from ttsai_server.console.listing import Listing, moment, section
from ttsai_server.console.pages.page import Page
from ttsai_server.console.view import View
from ttsai_server.domain import Caller
from ttsai_server.store.ledger import KeyUsage
from ttsai_server.store.webhooks import Attempt, Delivery

PERIODS = {7: "7 days", 30: "30 days", 90: "90 days", 365: "a year"}
KINDS = {"model": "model", "key": "key", "service": "service"}
DELIVERIES = 50
"""The newest deliveries that are shown."""
GREY = "#808080"
"""Of axes and words: readable on light and on dark."""


class UsagePage:
    def __init__(self, view: View, names: Mapping[str, str]) -> None:
        """names: id of each key → how it is shown."""
        self._view = view
        self._names = names
        with ui.element("div").classes("fields"):
            self._days = ui.select(PERIODS, label="The last", value=30)
            self._kind = ui.select(KINDS, label="Told apart by", value="model")
        self._plot = ui.echart({}).classes("full-width").props('role="img" aria-label="Credits by day"')
        self._listing = Listing(
            "Usage", ("Day (UTC)", "Told apart", "Requests", "Characters", "Seconds", "Credits", "")
        )
        for choice in (self._days, self._kind):
            choice.on_value_change(self._changed)

    async def refresh(self, caller: Caller) -> None:
        usage = await self._view.services.accounts.usage_by_key(caller.account, self._days.value)
        self._plot.options.clear()
        self._plot.options.update(_plot(_credits(usage, self._name), _days(self._days.value)))
        self._plot.update()
        self._listing.clear()
        for day, name, *totals in _totals(usage, self._name):
            with self._listing.row(day, name, *totals):
                pass

    async def _changed(self) -> None:
        await self.refresh(await self._view.caller())

    def _name(self, line: KeyUsage) -> str:
        value: str = getattr(line, self._kind.value)
        return self._names.get(value, value or "not known") if self._kind.value == "key" else value


def _days(count: int) -> list[str]:
    today = datetime.now(UTC).date()
    return [str(today - timedelta(days=back)) for back in reversed(range(count))]


def _credits(usage: Sequence[KeyUsage], name: Any) -> dict[str, dict[str, int]]:
    """Name → day → credits."""
    found = defaultdict[str, dict[str, int]](lambda: defaultdict(int))
    for line in usage:
        found[name(line)][str(line.date)] += line.credits
    return found


def _totals(usage: Sequence[KeyUsage], name: Any) -> list[tuple[date, str, int, int, float, int]]:
    """A line for each day and name, newest day first."""
    found: dict[tuple[date, str], list[KeyUsage]] = defaultdict(list)
    for line in usage:
        found[line.date, name(line)].append(line)
    return [
        (
            day,
            shown,
            sum(line.requests for line in lines),
            sum(line.characters for line in lines),
            round(sum(line.seconds for line in lines), 1),
            sum(line.credits for line in lines),
        )
        for (day, shown), lines in sorted(found.items(), key=lambda entry: (-entry[0][0].toordinal(), entry[0][1]))
    ]


def _plot(credits: Mapping[str, Mapping[str, int]], days: Sequence[str]) -> dict[str, Any]:
    """Stacked bars, for ECharts."""
    bars = [
        {"type": "bar", "stack": "credits", "name": name, "data": [by_day.get(day, 0) for day in days]}
        for name, by_day in sorted(credits.items())
    ]
    return {
        "animation": False,
        "textStyle": {"color": GREY},
        "legend": {"textStyle": {"color": GREY}},
        "tooltip": {"trigger": "axis", "renderMode": "richText"},
        "xAxis": {"type": "category", "data": list(days)},
        "yAxis": {"type": "value", "name": "Credits", "minInterval": 1},
        "series": bars,
    }


def _show_deliveries(deliveries: Sequence[Delivery]) -> None:
    section("Webhooks")
    if not deliveries:
        ui.label("None has been sent.")
        return
    listing = Listing("Deliveries of webhooks", ("Task", "Event", "To", "State", "Since", "Next attempt", "Attempts"))
    for each in deliveries:
        row = (each.task, each.event, each.url, each.state, moment(each.created_at), moment(each.next_attempt))
        with listing.row(*row), ui.element("ol").classes("attempts"):
            for attempt in each.attempts:
                with ui.element("li"):
                    ui.label(_attempt(attempt))


def _attempt(attempt: Attempt) -> str:
    outcome = attempt.error or "delivered"
    answer = f", status {attempt.status}" if attempt.status else ""
    return f"{moment(attempt.at)}: {outcome}{answer}, {attempt.seconds:.2f} s"


async def build(view: View) -> None:
    caller, services = await view.caller(), view.services
    keys = await services.accounts.keys(caller) if services.settings.auth.enabled else []
    page = UsagePage(view, {key.id: f"{key.label or key.prefix} ({key.id})" for key in keys})
    await page.refresh(caller)
    _show_deliveries(await services.webhooks.deliveries(caller.account, DELIVERIES))


PAGE = Page("usage", "Usage", "bar_chart", build)
