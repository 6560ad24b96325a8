"""What every page is built with: the frame around it, who is signed in, and the way to do things for them."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from nicegui import ui
from nicegui.element import Element

from ttsai_server.api.errors import outage
from ttsai_server.console.door import Visit
from ttsai_server.console.pages.page import Page
from ttsai_server.domain import Caller
from ttsai_server.errors import ApiError, Forbidden, InternalError, Unauthorized

logger = logging.getLogger(__name__)

WRONG = "Something went wrong on the server; its log says what."
HEAD = """<link rel="stylesheet" href="static/console.css"><script src="static/console.js"></script>"""
CLOSE = {"label": "Close", "color": "white"}
THEMES = {
    None: ("brightness_auto", "as the browser prefers"),
    True: ("dark_mode", "dark"),
    False: ("light_mode", "light"),
}


class View:
    """One page in one browser tab."""

    def __init__(self, visit: Visit, base_url: str) -> None:
        """base_url: the server's address as the browser sees it, with a slash at its end."""
        self.services = visit.services
        self.session = visit.session
        configured = visit.services.settings.server.public_url
        self.base_url = (configured or base_url.removesuffix("/").removesuffix("/console")).rstrip("/")
        """The server's address, for examples of requests; without a slash at its end."""
        self._credits: ui.label
        self._running = set[asyncio.Task[None]]()

    async def frame(self, page: Page, pages: Sequence[Page]) -> Element:
        """The header and the navigation. → the element that the page's own go into."""
        ui.context.client.on_delete(self._stop)
        ui.add_head_html(HEAD)
        ui.colors(primary="#1d4ed8", negative="#b91c1c", positive="#15803d")
        dark = ui.dark_mode(self.session.dark)
        drawer = self._navigation(page, pages)
        with ui.header().classes("items-center no-wrap"):
            ui.button(icon="menu", on_click=drawer.toggle).props('flat color=white aria-label="Menu"')
            ui.label("ttsai-server").classes("text-weight-bold")
            ui.space()
            self._credits = ui.label().props('role="status"')
            self._theme_button(dark)
            with ui.element("form").props('method="post" action="sign-out"'):
                ui.button(icon="logout").props('flat color=white type="submit" aria-label="Sign out"')
        await self.refresh_credits()
        content = ui.column().classes("page q-pa-md full-width")
        with content:
            ui.label(page.title).props('role="heading" aria-level="1"').classes("title")
        return content

    async def caller(self) -> Caller:
        """Who is signed in. Raises Unauthorized if they have signed out, or their key has been revoked or expired."""
        if self.session.ended:
            raise Unauthorized("You have signed out.")
        if self.session.caller.key:
            try:
                self.session.caller = await self.services.accounts.check_key(self.session.caller)
            except Unauthorized:
                self.session.ended = True
                raise
        return self.session.caller

    async def administrator(self) -> str:
        """Who administers, as the audit log has it. Raises Forbidden for other visitors, and as `caller`."""
        caller = await self.caller()
        if not caller.admin:
            raise Forbidden("This takes a key for administrators.")
        return caller.actor

    def every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        """Do something again and again while the page is open; what fails is logged, and tried again."""

        async def run() -> None:
            try:
                await work()
            except (Unauthorized, Forbidden):
                ui.navigate.to("sign-in")
            except Exception as error:
                logger.warning("a page of the console could not look again: %s", error)

        ui.timer(seconds, run, immediate=False)

    def action(self, work: Callable[[Caller], Awaitable[None]], button: ui.button) -> Callable[[], Awaitable[None]]:
        """A handler that does the work within the limits of the caller's plan, as a request to the API.

        Meanwhile the button can't be pressed; errors are shown; the work is cancelled if the page is closed.
        """

        async def run() -> None:
            task = asyncio.current_task()
            assert task
            self._running.add(task)
            button.props("loading")
            try:
                await self.attempt(work)
            finally:
                self._running.discard(task)
                if not button.is_deleted:
                    button.props(remove="loading")
            await self.refresh_credits()

        return run

    async def attempt(self, work: Callable[[Caller], Awaitable[None]], *, counted: bool = True) -> None:
        """Do the work, and show its error. counted: as a request, within the limits of the caller's plan."""
        try:
            if counted:
                async with self._admitted() as caller:
                    await work(caller)
            else:
                await work(await self.caller())
        except Unauthorized:
            ui.navigate.to("sign-in")
        except Exception as error:
            ui.notify(_message(error), type="negative", timeout=10_000, actions=[CLOSE])

    async def refresh_credits(self) -> None:
        """Show what is left."""
        standing = await self.services.accounts.standing(self.session.caller, days=1)
        self._credits.text = "" if standing.credits is None else f"{standing.credits:,} credits"

    @asynccontextmanager
    async def _admitted(self) -> AsyncGenerator[Caller]:
        caller, services = await self.caller(), self.services
        if not services.settings.auth.enabled:
            yield caller
            return
        plan = services.settings.plans.get(caller.plan)
        if plan is None:
            raise Forbidden(f"The plan {caller.plan!r} is not offered by this server.")
        admission = await services.limiter.admit(caller, plan)
        try:
            yield caller
        finally:
            await services.limiter.release(admission)

    def _stop(self) -> None:
        for task in self._running:
            task.cancel()

    def _navigation(self, page: Page, pages: Sequence[Page]) -> ui.left_drawer:
        with ui.left_drawer(bordered=True) as drawer, ui.element("nav").props('aria-label="Pages"'):
            for each in pages:
                with ui.link(target=each.name).classes("nav row items-center no-wrap") as link:
                    ui.icon(each.icon, size="sm").props('aria-hidden="true"')
                    ui.label(each.title)
                if each is page:
                    link.props('aria-current="page"')
        return drawer

    def _theme_button(self, dark: ui.dark_mode) -> None:
        def show() -> None:
            icon, name = THEMES[self.session.dark]
            button.props(f'icon={icon} aria-label="Theme: {name}"')

        def turn() -> None:
            self.session.dark = {None: True, True: False, False: None}[self.session.dark]
            dark.value = self.session.dark
            show()

        button = ui.button(on_click=turn).props("flat color=white")
        show()


def _message(error: Exception) -> str:
    """Show the error to the visitor; what they can't help is logged."""
    known = error if isinstance(error, ApiError) else outage(error)
    if known is None or isinstance(known, InternalError):
        logger.error("in the console: %s", error, exc_info=error)
        return WRONG
    return known.message
