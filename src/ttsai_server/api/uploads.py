"""Files that clients send: how many, how long, and where they lie while they are read."""

from collections.abc import Mapping
from typing import BinaryIO, cast

from fastapi import UploadFile

from ttsai_server.errors import FileTooLarge
from ttsai_server.settings import Settings

FORM_LIMITS = {"max_files": 2, "max_fields": 64, "max_part_size": 1 << 17}
"""Of one form: Starlette keeps a file's first megabyte in memory, and the rest of it on disk; fields, in bytes."""


def body_limits(settings: Settings) -> Mapping[str, int]:
    """Path → longest body, bytes: the file, and as much beside it as a body without one may have."""
    file, beside = settings.transcription.max_file_bytes, settings.server.max_body_bytes
    return dict.fromkeys(("/v1/stt", "/v1/audio/transcriptions", "/v1/audio/translations"), file + beside)


def content(upload: UploadFile, most: int) -> BinaryIO:
    """What was sent, to be read from its start. Raises FileTooLarge for more than `most` bytes."""
    if (upload.size or 0) > most:
        raise FileTooLarge(f"The file has {upload.size} bytes; at most {most} are allowed.", param="file")
    return cast(BinaryIO, upload.file)
