"""Middleware that limits the length of bodies."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ttsai_server.api.errors import render
from ttsai_server.api.headers import header
from ttsai_server.errors import FileTooLarge


class BodySizeLimit:
    """Rejects a body that is too long, without reading the rest of it."""

    def __init__(self, app: ASGIApp, most: int, by_path: Mapping[str, int]) -> None:
        """most: bytes; by_path: path → its own limit, bytes."""
        self._app = app
        self._most = most
        self._by_path = by_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        most = self._by_path.get(scope["path"], self._most)
        length = header(scope, b"content-length")
        if length.isdecimal() and not _within(length, most):
            return await render(FileTooLarge(_too_long(most)))(scope, receive, send)
        return await self._app(scope, _counted(receive, most), send)


def _counted(receive: Receive, most: int) -> Receive:
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > most:
            raise HTTPException(413, _too_long(most))  # FastAPI would turn another exception into a 400
        return message

    return counted


def _within(number: str, most: int) -> bool:
    """Whether a decimal number is at most `most`; it may have more digits than `int` accepts."""
    digits = number.lstrip("0")
    return len(digits) <= len(str(most)) and int(digits or "0") <= most


def _too_long(most: int) -> str:
    return f"The body may have at most {most} bytes."
