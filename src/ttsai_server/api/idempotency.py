"""Idempotency-Key: a repeated POST gets the answer of the first, and is not executed or billed again.

Paths under /v1/account/ ignore the key: they cost nothing, and their answers contain secrets.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from secrets import token_hex
from time import monotonic

from python_multipart.multipart import parse_options_header
from starlette.responses import FileResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ttsai_server.api.errors import render
from ttsai_server.api.middleware import header
from ttsai_server.api.negotiation import dialect
from ttsai_server.domain import Caller
from ttsai_server.errors import ApiError, BadRequest, ModelLoading
from ttsai_server.settings import Settings
from ttsai_server.store.idempotency import DONE, Answer, Idempotency

LONGEST_KEY = 255
POLL_SECONDS = 0.1


class IdempotencyMiddleware:
    """Stores the bodies of successful answers in `folder`. A failed request is not stored: a repeat is executed."""

    def __init__(self, app: ASGIApp, store: Idempotency, folder: Path, settings: Settings) -> None:
        self._app = app
        self._store = store
        self._folder = folder
        self._kept_seconds = settings.idempotency.hours * 3600
        self._wait_seconds = settings.idempotency.wait_seconds
        self._running_seconds = settings.server.request_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = header(scope, b"idempotency-key") if scope["type"] == "http" else ""
        if not key or scope["method"] != "POST" or "caller" not in scope["state"] or _is_secret(scope["path"]):
            await self._app(scope, receive, send)
            return
        caller: Caller = scope["state"]["caller"]
        try:
            answer = await self._claim(caller.account, key)
            if answer:
                await _repeat(answer, scope, receive, send)
            else:
                await self._record(caller.account, key, scope, receive, send)
        except ApiError as error:
            await render(error)(scope, receive, send)

    async def _claim(self, account: str, key: str) -> Answer | None:
        """→ None for the first request with this key; for a repeat, the first one's answer, once it is complete."""
        if len(key) > LONGEST_KEY:
            raise BadRequest(f"An Idempotency-Key has at most {LONGEST_KEY} characters.")
        deadline = monotonic() + self._wait_seconds
        while monotonic() < deadline:
            answer = await self._store.begin(account, key, self._running_seconds)
            if answer is None or answer.state == DONE:
                return answer
            await asyncio.sleep(POLL_SECONDS)
        raise ModelLoading("The first request with this Idempotency-Key is still under way.", retry_after=5)

    async def _record(self, account: str, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        fingerprint = Fingerprint(scope, receive)
        copy = Copy(await asyncio.to_thread(_new_file, self._folder), send)
        try:
            await self._app(scope, fingerprint.receive, copy.send)
        finally:
            copy.close()
            await asyncio.shield(self._keep(account, key, fingerprint, copy))

    async def _keep(self, account: str, key: str, fingerprint: "Fingerprint", copy: "Copy") -> None:
        if copy.whole and copy.status == 200:
            body = str(copy.path)
            await self._store.finish(account, key, fingerprint.hex, copy.status, copy.headers, body, self._kept_seconds)
        else:
            copy.path.unlink()
            await self._store.abandon(account, key)


class Fingerprint:
    """A hash of a request's path, its preferred form of answer, and its body, computed while the body is read.

    A multipart form's boundary is left out: clients choose a new one for each attempt.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._hash = hashlib.sha256(repr((scope["path"], dialect(scope))).encode())
        self._receive = receive
        self._boundary = parse_options_header(header(scope, b"content-type"))[1].get(b"boundary", b"")
        self._pending = b""
        """The last bytes read, which may be the beginning of a boundary; not hashed yet."""

    async def receive(self) -> Message:
        message = await self._receive()
        self._add(message.get("body", b""))
        return message

    async def rest(self) -> None:
        """Read the rest of the body."""
        while (await self.receive()).get("more_body"):
            pass

    @property
    def hex(self) -> str:
        whole = self._hash.copy()
        whole.update(self._pending)
        return whole.hexdigest()

    def _add(self, data: bytes) -> None:
        if self._boundary:
            *parts, rest = (self._pending + data).split(self._boundary)
            settled = max(0, len(rest) - len(self._boundary) + 1)
            self._pending = rest[settled:]
            data = b"--".join([*parts, rest[:settled]])
        self._hash.update(data)


class Copy:
    """Sends a response on, and writes a copy of its body to a file."""

    def __init__(self, path: Path, send: Send) -> None:
        self.path = path
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.whole = False
        """Whether the whole body has been sent."""
        self._file = path.open("wb")
        self._send = send
        self.close: Callable[[], None] = self._file.close

    async def send(self, message: Message) -> None:
        await self._send(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
        else:
            self._file.write(message.get("body", b""))
            self.whole = not message.get("more_body")


async def _repeat(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    fingerprint = Fingerprint(scope, receive)
    await fingerprint.rest()
    if fingerprint.hex != answer.fingerprint:
        raise BadRequest("This Idempotency-Key has been used for another request.")
    assert answer.status
    assert answer.body
    kept = {name: value for name, value in answer.headers.items() if name != "content-length"}
    await FileResponse(answer.body, answer.status, {**kept, "Idempotent-Replayed": "true"})(scope, receive, send)


def _is_secret(path: str) -> bool:
    """Whether answers of this path may contain a key or a secret, which must not be stored."""
    return path.startswith("/v1/account/")


def _new_file(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder / token_hex(16)
