"""Uploaded files: how many and how long they may be, and how they are parsed."""

import re
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from typing import Any, BinaryIO, cast
from urllib.parse import unquote_to_bytes

from fastapi import HTTPException, Request
from fastapi.routing import APIRoute
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.responses import Response

from ttsai_server.audio.temp_disk import SpooledUpload, TempDisk
from ttsai_server.errors import FileTooLarge
from ttsai_server.settings import Settings

MOST_FILES = 2
"""Files in one form; Starlette keeps one of up to a megabyte in memory, and a longer one on disk."""
MOST_FIELDS = 64
"""Fields in one form, besides the files."""
_PLAIN_NAME = re.compile(rb";\s*filename\s*=", re.IGNORECASE)
_EXTENDED_NAME = re.compile(rb""";\s*filename\*\s*=\s*"?([\w-]*)'[\w-]*'([^;"\s]*)""", re.IGNORECASE)
_UNQUOTED = str.maketrans(dict.fromkeys('"\\\r\n', "_"))
LISTENING = (
    "/v1/stt",
    "/v1/transcribe",
    "/v1/audio/transcriptions",
    "/v1/audio/translations",
    "/v1/voice-chat",
    "/elevenlabs/v1/speech-to-text",
)
CLONING = ("/v1/tts/clone", "/v1/voice-clone", "/v1/voices")
CONVERTING = ("/v1/voice-convert", "/v1/speech-to-speech")
TOOLS = (
    "/v1/audio/convert",
    "/v1/audio/analyze",
    "/v1/audio/enhance",
    "/v1/audio-enhance",
    "/v1/audio/dereverb",
    "/v1/audio/separate",
    "/v1/speech-translate",
)


def body_limits(settings: Settings) -> Mapping[str, int]:
    """Path → maximum length of a body, bytes: the largest file, plus the limit of a body without files."""
    file, beside = settings.transcription.max_file_bytes, settings.server.max_body_bytes
    reference, converted = settings.cloning.max_reference_bytes, settings.conversion.max_file_bytes
    batch = 50 * 4 * max(plan.max_characters for plan in settings.plans.values())
    return {
        **dict.fromkeys(LISTENING, file + beside),
        **dict.fromkeys(TOOLS, settings.tools.max_file_bytes + beside),
        **dict.fromkeys(CLONING, reference + beside),
        **dict.fromkeys(CONVERTING, converted + reference + beside),
        "/v1/tts/batch": batch + beside,
        "/mcp": settings.mcp.max_body_bytes,
    }


def content(upload: UploadFile, most: int, field: str = "file") -> BinaryIO:
    """The uploaded file, open at its start. Raises FileTooLarge if it is longer than `most` bytes."""
    if (upload.size or 0) > most:
        raise FileTooLarge(f"The file has {upload.size} bytes; at most {most} are allowed.", param=field)
    return upload.file


class UploadRoute(APIRoute):
    """A route for uploads, which are temporary files that count in the account's share of the disk.

    It also accepts files named only by `filename*=`, as some clients send non-ASCII names. RFC 7578 forbids that, and
    Starlette would read such a file as a text field.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def parsed(request: Request) -> Response:
            return await handle(_FormRequest(request.scope, request.receive, request._send))

        return parsed


class _FormRequest(Request):
    async def _get_form(self, **limits: Any) -> FormData:
        if self._form is None and self.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            disk = self.app.state.services.flow.context.sound.disk_of(self.scope["state"]["caller"])
            try:
                self._form = await _Parser(disk, self.headers, self.stream(), **limits).parse()
            except MultiPartException as error:
                raise HTTPException(400, error.message) from error
        return await super()._get_form(**limits)


class _Parser(MultiPartParser):
    """Starlette's, whose files are counted as the account's temporary ones."""

    def __init__(self, disk: TempDisk, headers: Headers, stream: AsyncGenerator[bytes], **limits: Any) -> None:
        super().__init__(headers, stream, **limits)
        self._disk = disk

    def on_headers_finished(self) -> None:
        super().on_headers_finished()
        if upload := self._current_part.file:
            upload.file.close()
            counted = SpooledUpload(self._disk, self.spool_max_size)
            upload.file = cast(BinaryIO, counted)
            self._files_to_close_on_error[-1] = counted

    def on_header_end(self) -> None:
        if self._current_partial_header_name.lower() == b"content-disposition":
            self._current_partial_header_value = _with_plain_name(self._current_partial_header_value)
        super().on_header_end()


def _with_plain_name(header: bytes) -> bytes:
    """Add `filename="é.wav"` to a header with `filename*=UTF-8''%C3%A9.wav`, unless it has a plain `filename`."""
    found = _EXTENDED_NAME.search(header)
    if not found or _PLAIN_NAME.search(header):
        return header
    latin = found[1].lower() == b"iso-8859-1"
    name = unquote_to_bytes(found[2]).decode("latin-1" if latin else "utf-8", errors="replace")
    return header + f'; filename="{name.translate(_UNQUOTED)}"'.encode()
