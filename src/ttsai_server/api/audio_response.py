"""Responses whose body is one finished file, sent with its length."""

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
    """A response with a finished file; read in chunks, so that it is never completely in memory. Closes the file."""

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
    """Run to the end. → the audio with its length and price. Raises what the run raises, or ClientDisconnected."""
    file = await finished_file(run, receive)
    return WholeFile(file.file, file.content_type, {**sound_headers(run), "X-Audio-Seconds": f"{run.seconds:.3f}"})


async def finished_file(run: Run[Any, Any], receive: Receive) -> OutputFile:
    """Run to the end. → the one file it produces, which the caller closes. Raises what the run raises, or
    ClientDisconnected."""
    with ExitStack() as unfinished:
        unfinished.enter_context(run)
        await cancel_on_disconnect(receive, run.finish())
        unfinished.pop_all()  # the response closes the run's file once it is sent
    file = (await run.outcome()).result
    assert isinstance(file, OutputFile)
    return file


def sound_headers(run: SpeechRun) -> dict[str, str]:
    """`speech_headers`, and the file's name."""
    return {**speech_headers(run), **file_headers(f"speech.{run.plan.format}")}


def file_headers(name: str) -> dict[str, str]:
    """Content-Disposition (RFC 6266): shown or played in place, and named `name` if the user saves it.

    The name is encoded by RFC 8187 and, for old clients, also in ASCII.
    """
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name)
    return {"Content-Disposition": f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"}


def speech_headers(run: SpeechRun) -> dict[str, str]:
    """Price, remaining credits, and warnings."""
    return {**credit_headers(run.hold), **warning_headers(run.warnings)}


def warning_headers(warnings: Sequence[str]) -> dict[str, str]:
    """The header Warning (RFC 7234 §5.5); code 299 is any persistent warning."""
    return {"Warning": ", ".join(f'299 - "{_ascii(text)}"' for text in warnings)} if warnings else {}


def _ascii(text: str) -> str:
    return "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "?" for c in text)[:200]
