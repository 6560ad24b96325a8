"""Idempotency-Key: a repeated POST gets the answer of the first, and is not executed or billed again.

Paths under /v1/account/ ignore the key: they cost nothing, and their answers contain secrets.
"""

import asyncio
import errno
import hashlib
import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from time import monotonic
from typing import BinaryIO

from python_multipart.multipart import parse_options_header
from starlette.responses import FileResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ttsai_server.api.authentication import COMMAND_LINE
from ttsai_server.api.errors import render
from ttsai_server.api.headers import header
from ttsai_server.api.negotiation import dialect
from ttsai_server.domain import Caller
from ttsai_server.errors import ApiError, BadRequest, ModelLoading
from ttsai_server.settings import Settings
from ttsai_server.store.db import DatabaseUnavailable
from ttsai_server.store.idempotency import DONE, Answer, Idempotency
from ttsai_server.store.request_leases import RequestLease

logger = logging.getLogger(__name__)

LONGEST_KEY = 255
POLL_SECONDS = 0.1
NOT_KEPT = "an answer is not kept for its Idempotency-Key: %s"


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
        caller: Caller | None = scope["state"].get("caller") if key else None
        if caller in (None, COMMAND_LINE) or scope["method"] != "POST" or _is_secret(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            most = await self._store.most_bytes()
            claimed = await self._claim(caller.account, key)
            if isinstance(claimed, Answer):
                await _repeat(claimed, scope, receive, send)
            else:
                await self._record(claimed, most, scope, receive, send)
        except ApiError as error:
            await render(error)(scope, receive, send)

    async def _claim(self, account: str, key: str) -> Answer | RequestLease:
        """→ a lease for the first request with this key; for a repeat, the first one's answer, once it is complete."""
        if len(key) > LONGEST_KEY:
            raise BadRequest(f"An Idempotency-Key has at most {LONGEST_KEY} characters.")
        until = monotonic() + self._wait_seconds
        while monotonic() < until:
            claimed = await self._store.begin(account, key, self._running_seconds)
            if isinstance(claimed, RequestLease) or claimed.state == DONE:
                return claimed
            await asyncio.sleep(POLL_SECONDS)
        raise ModelLoading("The first request with this Idempotency-Key is still under way.", retry_after=5)

    async def _record(self, lease: RequestLease, most: int, scope: Scope, receive: Receive, send: Send) -> None:
        fingerprint = Fingerprint(scope, receive)
        copy = await asyncio.to_thread(Copy, self._folder / token_hex(16), send, most)
        try:
            await self._app(scope, fingerprint.receive, copy.send)
        finally:
            conversation = scope["state"].get("conversation")
            await asyncio.shield(self._keep(lease, fingerprint, copy, conversation))

    async def _keep(
        self, lease: RequestLease, fingerprint: "Fingerprint", copy: "Copy", conversation: str | None
    ) -> None:
        """Whatever fails here costs the copy: the client has its answer."""
        whole = copy.close() and copy.status == 200
        if not whole:
            copy.delete()
        answer = fingerprint.hex, copy.status, copy.headers, str(copy.path)
        try:
            if not whole:
                await self._store.abandon(lease)
            else:
                for body in await self._store.finish(lease, *answer, self._kept_seconds, copy.size, conversation):
                    await asyncio.to_thread(Path(body).unlink, missing_ok=True)
        except DatabaseUnavailable as error:
            logger.warning(NOT_KEPT, error)


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
    """Sends a response on, and writes a copy of its body to a file unless it is too long or the disk fails."""

    def __init__(self, path: Path, send: Send, most: int) -> None:
        """most: longest body of which there is a copy, bytes."""
        self.path = path
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.size = 0
        """Bytes written."""
        self._most = most
        self._whole = False
        """Whether the whole body has been sent."""
        self._send = send
        self._file: BinaryIO | None = None
        with self._optional():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("wb")

    async def send(self, message: Message) -> None:
        await self._send(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
        else:
            self._whole = not message.get("more_body")
            with self._optional():
                if self._file:
                    self.size += len(message.get("body", b""))
                    if self.size > self._most:
                        raise OSError(errno.EDQUOT, "the answers that are kept have no more room")
                    self._file.write(message.get("body", b""))

    def close(self) -> bool:
        """→ whether the copy is complete."""
        with self._optional():
            if self._file:
                self._file.close()
        return self._whole and self._file is not None

    def delete(self) -> None:
        with self._optional():
            self.path.unlink(missing_ok=True)

    @contextmanager
    def _optional(self) -> Generator[None]:
        """A disk that fails costs only the copy."""
        try:
            yield
        except OSError as error:
            logger.warning(NOT_KEPT, error)
            file, self._file = self._file, None
            if file:
                with suppress(OSError):
                    file.close()


async def _repeat(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    fingerprint = Fingerprint(scope, receive)
    await fingerprint.rest()
    if fingerprint.hex != answer.fingerprint:
        raise BadRequest("This Idempotency-Key has been used for another request.")
    assert answer.status
    assert answer.body
    if not await asyncio.to_thread(Path(answer.body).exists):  # it expired, or made room for others, meanwhile
        raise ModelLoading("The answer to this Idempotency-Key has just been deleted.", retry_after=1)
    kept = {name: value for name, value in answer.headers.items() if name != "content-length"}
    await FileResponse(answer.body, answer.status, {**kept, "Idempotent-Replayed": "true"})(scope, receive, send)


def _is_secret(path: str) -> bool:
    """Whether answers of this path may contain a key or a secret, which must not be stored."""
    return path.startswith(("/v1/account/", "/v1/realtime/"))
