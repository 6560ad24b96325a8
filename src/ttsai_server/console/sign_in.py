"""The page that asks for a key, in plain HTML, and the ends of a session."""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from ttsai_server.api.hosts import NOT_OURS, is_private
from ttsai_server.console.sessions import Sessions
from ttsai_server.domain import Caller
from ttsai_server.errors import ApiError, Forbidden
from ttsai_server.services.accounts import Accounts

COOKIE = "ttsai_console"
PAGE = """<!doctype html>
<html lang="en">
<head>
<title>Sign in · ttsai-server</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="static/icon.svg">
<link rel="stylesheet" href="static/sign-in.css">
</head>
<body>
<main>
<h1>ttsai-server</h1>
<form method="post" action="sign-in">
<label for="key">API key</label>
<input id="key" name="key" type="password" required autofocus autocomplete="current-password" spellcheck="false">
<p role="alert">{problem}</p>
<button>Sign in</button>
<p>For a key, run <code>ttsai-server keys create</code> on the server.</p>
</form>
</main>
</body>
</html>
"""
GO_ON = """<!doctype html>
<html lang="en">
<head>
<title>ttsai-server</title>
<link rel="icon" href="static/icon.svg">
<meta http-equiv="refresh" content="0; url={target}">
</head>
<body><a href="{target}">Go on</a></body>
</html>
"""
"""Navigates as this site's own page does: browsers send the cookie then, which a link from elsewhere does not."""


def ask(problem: str = "", status: int = 200) -> Response:
    """The page with the form."""
    return HTMLResponse(PAGE.format(problem=escape(problem)), status)


def go_on(target: str = "./") -> Response:
    return HTMLResponse(GO_ON.format(target=escape(target)))


class SignIn:
    def __init__(self, accounts: Accounts, sessions: Sessions, public_url: str, everyone: Caller | None) -> None:
        """public_url: that of the settings. everyone: who all visitors are, on a server without keys."""
        self._public_url = public_url
        self._accounts = accounts
        self._sessions = sessions
        self._everyone = everyone

    async def show(self, request: Request) -> Response:
        """The form; on a server without keys, nobody is asked."""
        if self._everyone is None:
            return ask()
        if not is_private(request.url.hostname or "", self._public_url):
            return PlainTextResponse(NOT_OURS, 403)
        if request.headers.get("sec-fetch-site") == "cross-site":  # else it could open sessions until others end
            return go_on("sign-in")
        return self._opened(self._everyone, request, go_on())

    async def sign_in(self, request: Request) -> Response:
        """Start a new session with the key of the form; the browser's former one ends."""
        if self._everyone:
            return await self.show(request)
        form = await request.form()
        try:
            caller = await self._accounts.authenticate(str(form.get("key", "")).strip())
            if caller.publishable:
                raise Forbidden("A publishable key is for web pages. Sign in with a secret one.")
        except ApiError as error:
            return ask(error.message, error.status)
        return self._opened(caller, request, RedirectResponse("./", 303))

    async def sign_out(self, request: Request) -> Response:
        self._sessions.end(request.cookies.get(COOKIE, ""))
        response = RedirectResponse("sign-in", 303)
        response.set_cookie(COOKIE, "", max_age=0, path=None, httponly=True, samesite="strict")
        return response

    def _opened(self, caller: Caller, request: Request, response: Response) -> Response:
        self._sessions.end(request.cookies.get(COOKIE, ""))
        response.set_cookie(
            COOKIE,
            self._sessions.open(caller),
            path=None,  # the browser takes the folder of this address, also behind a proxy that has more before it
            httponly=True,
            samesite="strict",
            secure="https" in (request.url.scheme, self._public_url.partition(":")[0]),
        )
        return response
