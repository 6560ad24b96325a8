"""What a browser gets under /console/, and who may: outermost of all middleware, so that the API's never sees it.

    /               leads a browser to /console/
    /console/…      sign-in and static files for everyone; pages, files and their WebSocket for who is signed in

Requests that change anything, and WebSockets, are answered only if they come from a page of this server: that and the
cookie's SameSite=strict keep other sites from acting with a visitor's session.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from mimetypes import guess_type
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ttsai_server.api.body_limit import BodySizeLimit
from ttsai_server.api.deps import Services
from ttsai_server.api.errors import outage
from ttsai_server.api.headers import header
from ttsai_server.console.files import playable
from ttsai_server.console.sessions import Session, Sessions
from ttsai_server.console.sign_in import COOKIE, SignIn, go_on
from ttsai_server.domain import Caller
from ttsai_server.errors import ApiError
from ttsai_server.store.db import DatabaseUnavailable

logger = logging.getLogger(__name__)

ROOT = "/console"
STATIC = Path(__file__).parent / "static"
NICEGUI_FILES = f"{ROOT}/_nicegui/"
OPEN = (f"{ROOT}/sign-in", f"{ROOT}/static/")
"""Beginnings of the paths that need no session."""
FORM_BYTES = 10_000
"""Longest form of the sign-in."""
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""Nothing is loaded from, and nothing sent to, another host; inline scripts and `eval` are NiceGUI's and Vue's way."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def installed() -> bool:
    """Whether the packages of the extra `console` are there."""
    return find_spec("nicegui") is not None


class Console:
    """The application under /console/. NiceGUI has one application a process, so only one of these can be used.

    It is imported when a browser first asks for something here: a server that only has clients of the API is spared
    its memory.
    """

    def __init__(self, services: Services, everyone: Caller | None) -> None:
        """everyone: who all visitors are, on a server without keys; else None."""
        self._services = services
        self._everyone = everyone
        self._starting = asyncio.Lock()
        self._open: AsyncExitStack | None = None
        """What is closed at the end; None: the server is starting or stopping."""
        self._app: ASGIApp | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        """Answer requests until the block ends."""
        async with AsyncExitStack() as self._open:
            yield
            self._open = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request to a path under /console/."""
        async with self._starting:
            if self._open and not self._app:
                self._app = await self._start(self._open)
        app = self._app if self._open else None
        await (app or PlainTextResponse("The server is starting or stopping.", 503))(scope, receive, send)

    async def _start(self, stack: AsyncExitStack) -> ASGIApp:
        site = await asyncio.to_thread(_import_site)
        folder = stack.enter_context(TemporaryDirectory(prefix="ttsai-console-", ignore_cleanup_errors=True))
        idle_seconds = self._services.settings.console.idle_hours * 3600
        sessions = Sessions(idle_seconds, Path(folder), self._services.flow.context.sound.disk_of)
        pages = await stack.enter_async_context(site())
        return Guarded(self._routes(sessions, pages), self._services, sessions)

    def _routes(self, sessions: Sessions, pages: ASGIApp) -> ASGIApp:
        settings = self._services.settings
        sign_in = SignIn(self._services.accounts, sessions, settings.server.public_url, self._everyone)
        routes = [
            Route("/", _home),
            Route("/sign-in", sign_in.show),
            Route("/sign-in", sign_in.sign_in, methods=["POST"]),
            Route("/sign-out", sign_in.sign_out, methods=["POST"]),
            Route("/static/{name}", _static),
            Route("/files", _receive, methods=["POST"]),
            Route("/files/{id}", _file),
            Mount("/", ForVisitors(pages)),
        ]
        most = max(settings.transcription.max_file_bytes, settings.tools.max_file_bytes)
        told = dict.fromkeys((ApiError, OSError, DatabaseUnavailable), _told)
        app = Starlette(routes=[Mount(ROOT, routes=routes)], exception_handlers=told)
        return BodySizeLimit(app, most, {f"{ROOT}/sign-in": FORM_BYTES})


class Guarded:
    """Middleware: lets in who is signed in, and what comes from a page of this server."""

    def __init__(self, app: ASGIApp, services: Services, sessions: Sessions) -> None:
        self._app = app
        self._services = services
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = self._sessions.find(HTTPConnection(scope).cookies.get(COOKIE, ""))
        if session:
            scope["state"] = {**scope.get("state", {}), "visit": Visit(self._services, session)}
        app = self._refusal(scope, session) or self._app
        await until_left(app, scope, receive, _with_headers(scope, send))

    def _refusal(self, scope: Scope, session: Session | None) -> ASGIApp | None:
        path: str = scope["path"]
        acts = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if acts and not self._from_here(scope):
            return PlainTextResponse("Only pages of this server may do this.", 403)
        if session or path.startswith(OPEN):
            return None
        if acts or "text/html" not in header(scope, b"accept"):
            return PlainTextResponse("Sign in first.", 401)
        if header(scope, b"sec-fetch-site") == "cross-site":
            return go_on("./" + path.rpartition("/")[2])  # "./": else it could begin with a scheme
        return RedirectResponse("../" * (path.count("/") - ROOT.count("/") - 1) + "sign-in", 303)

    def _from_here(self, scope: Scope) -> bool:
        own = {header(scope, b"host"), urlsplit(self._services.settings.server.public_url).netloc} - {""}
        return header(scope, b"origin").partition("://")[2] in own


class ForVisitors:
    """Middleware: NiceGUI keeps something for a minute of each request that it answers, be it for no page at all."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app if "visit" in scope.get("state", {}) else PlainTextResponse("There is no such page.", 404)
        await app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class Visit:
    """What a page knows of a request of somebody who is signed in: the `visit` in its state."""

    services: Services
    session: Session


class ConsoleDoor:
    """Middleware: /console/ is the console's, everything else the API's."""

    def __init__(self, app: ASGIApp, console: Console) -> None:
        self._app = app
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "")
        if path.startswith(f"{ROOT}/") and scope["type"] != "lifespan":
            return await self._console(scope, receive, send)
        if path in ("/", ROOT) and scope.get("method") == "GET" and "text/html" in header(scope, b"accept"):
            return await RedirectResponse("console/")(scope, receive, send)
        return await self._app(scope, receive, send)


async def until_left(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request; what fails since the browser has left, as an upload that ends half way, is no error."""
    left = False

    async def received() -> Message:
        nonlocal left
        message = await receive()
        left = left or message["type"] == "http.disconnect"
        return message

    try:
        await app(scope, received, send)
    except Exception as error:
        if not left:
            raise
        logger.info("a browser left %s before its answer: %r", scope["path"], error)


def _import_site() -> Callable[[], AbstractAsyncContextManager[ASGIApp]]:
    from ttsai_server.console.site import site

    return site


async def _home(_: Request) -> Response:
    from ttsai_server.console.pages import PAGES

    return RedirectResponse(PAGES[0].name)


async def _static(request: Request) -> Response:
    file = next((file for file in STATIC.iterdir() if file.name == request.path_params["name"]), None)
    if file is None:
        return PlainTextResponse("There is no such file.", 404)
    return FileResponse(file, media_type=guess_type(file)[0], headers={"Cache-Control": "no-cache"})


async def _receive(request: Request) -> Response:
    """Keep the body, a file that a page uploads or has recorded. → its id."""
    visit: Visit = request.scope["state"]["visit"]
    name = unquote(request.headers.get("x-file-name", "recording"))[-200:]
    file = visit.session.files.create(name, playable(request.headers.get("content-type", "")))
    await file.fill(request.stream())
    return JSONResponse({"id": file.id, "name": name, "size": file.size})


async def _file(request: Request) -> Response:
    visit: Visit = request.scope["state"]["visit"]
    file = visit.session.files.get(request.path_params["id"])
    if file is None:
        return PlainTextResponse("There is no such file any more.", 404)
    return file.response(save="save" in request.query_params)


def _told(_: Request, error: Exception) -> Response:
    """The answer for an error that the visitor, or time, can help."""
    known = error if isinstance(error, ApiError) else outage(error)
    if known is None:
        raise error
    return PlainTextResponse(known.message, known.status)


def _with_headers(scope: Scope, send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(HEADERS)
            if scope["path"].startswith(NICEGUI_FILES):
                headers.setdefault("Cache-Control", "public, max-age=31536000, immutable")
            elif not scope["path"].startswith(f"{ROOT}/static/"):
                headers["Cache-Control"] = "no-store"
        await send(message)

    return with_headers
