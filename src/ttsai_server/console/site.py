"""NiceGUI, with the pages. It is one application a process, which can be opened once."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from nicegui import app as nicegui_app
from nicegui import ui
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp

from ttsai_server.console.pages import PAGES
from ttsai_server.console.pages.page import Page
from ttsai_server.console.view import View
from ttsai_server.errors import Unauthorized

BUILD_SECONDS = 60.0
"""How long a page may take to build, as on a busy machine."""
RECONNECT_SECONDS = 10.0
"""How long a page without its connection is kept for it to come back; then what it runs is stopped."""


@asynccontextmanager
async def site() -> AsyncGenerator[ASGIApp]:
    """The pages as an application, while the block lasts."""
    app = FastAPI(openapi_url=None)
    for page in PAGES:
        ui.page(f"/{page.name}", title=f"{page.title} · ttsai-server", response_timeout=BUILD_SECONDS)(_shown(page))
    nicegui_app.config.quasar_config["loadingBar"]["skipHijack"] = True  # its bar has no name for screen readers
    ui.run_with(
        app,
        title="ttsai-server",
        language="en-US",
        dark=None,
        tailwind=False,
        binding_refresh_interval=None,
        reconnect_timeout=RECONNECT_SECONDS,
        show_welcome_message=False,
    )
    async with app.router.lifespan_context(app):
        yield app


def _shown(page: Page) -> Callable[[Request], object]:
    async def show(request: Request) -> Response | None:
        view = View(request.scope["state"]["visit"], str(request.base_url))
        try:
            caller = await view.caller()
        except Unauthorized:
            return RedirectResponse("sign-in", 303)
        if page.for_administrators and not caller.admin:
            return PlainTextResponse("This page takes a key for administrators.", 403)
        with await view.frame(page, [each for each in PAGES if caller.admin or not each.for_administrators]):
            await page.build(view)
        return None

    return show
