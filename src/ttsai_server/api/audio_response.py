"""Answers that are a file, whole, with its length."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, BinaryIO
from urllib.parse import quote

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ttsai_server.api.disconnect import cancel_on_disconnect
from ttsai_server.api.streaming import credit_headers
from ttsai_server.services.flow import OutputFile, Run
from ttsai_server.services.speech_run import SpeechRun

READ_BYTES = 1 << 16


class WholeFile(Response):
    """A finished file; sent in parts, so that a long one is never in memory at once."""

    def __init__(self, file: BinaryIO, content_type: str, headers: dict[str, str]) -> None:
        size = file.seek(0, 2)
        super().__init__(headers={**headers, "Content-Type": content_type, "Content-Length": str(size)})
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file as file:
            file.seek(0)
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while part := await asyncio.to_thread(file.read, READ_BYTES):
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


async def whole_speech(run: SpeechRun, receive: Receive) -> Response:
    """The speech with its true length and price. Raises what the engine raises, or ClientDisconnected."""
    file = await finished_file(run, receive)
    return WholeFile(file.file, file.content_type, {**sound_headers(run), "X-Audio-Seconds": f"{run.seconds:.3f}"})


async def finished_file(run: Run[Any, Any], receive: Receive) -> OutputFile:
    """The one file that a run makes, for the caller to close. Raises what the run raises, or ClientDisconnected."""
    with ExitStack() as unfinished:
        unfinished.enter_context(run)
        await cancel_on_disconnect(receive, run.finish())
        unfinished.pop_all()  # who sends the file closes it
    made = (await run.outcome()).result
    assert isinstance(made, OutputFile)
    return made


def sound_headers(run: SpeechRun) -> dict[str, str]:
    """Those of speech that is sent as a file."""
    return {**speech_headers(run), **file_headers(f"speech.{run.plan.format}")}


def file_headers(name: str) -> dict[str, str]:
    """RFC 6266: a file to be shown or played, and how it is called if it is kept.

    The name is there as RFC 8187 spells it and, for old clients, in ASCII.
    """
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name)
    return {"Content-Disposition": f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"}


def speech_headers(run: SpeechRun) -> dict[str, str]:
    """The price, what is left, and what the client should know."""
    return {**credit_headers(run.hold), **warning_headers(run.plan.warnings)}


def warning_headers(warnings: Sequence[str]) -> dict[str, str]:
    """As RFC 7234 has them (5.5): 299 is a persistent warning of any kind."""
    return {"Warning": ", ".join(f'299 - "{_ascii(text)}"' for text in warnings)} if warnings else {}


def _ascii(text: str) -> str:
    return "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "?" for c in text)[:200]
