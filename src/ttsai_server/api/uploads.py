"""Files that clients send: how many, how long, and where they lie while they are read."""

from collections.abc import Mapping
from typing import BinaryIO

from fastapi import UploadFile

from ttsai_server.errors import FileTooLarge
from ttsai_server.settings import Settings

MOST_FILES = 2
"""In one form; Starlette keeps the first megabyte of each in memory, and the rest on disk."""
MOST_FIELDS = 64
"""In one form, beside the files."""


MOST_REFERENCE_BYTES = 20 * 1024 * 1024
"""Of a recording whose voice is to be taken."""
LISTENING = ("/v1/stt", "/v1/transcribe", "/v1/audio/transcriptions", "/v1/audio/translations")
TOOLS = (
    "/v1/audio/convert",
    "/v1/audio/analyze",
    "/v1/audio/enhance",
    "/v1/audio-enhance",
    "/v1/audio/dereverb",
    "/v1/audio/separate",
)


def body_limits(settings: Settings) -> Mapping[str, int]:
    """Path → longest body, bytes: the file, and as much beside it as a body without one may have."""
    file, beside = settings.transcription.max_file_bytes, settings.server.max_body_bytes
    batch = 50 * 4 * max(plan.max_characters for plan in settings.plans.values())
    return {
        **dict.fromkeys(LISTENING, file + beside),
        **dict.fromkeys(TOOLS, settings.tools.max_file_bytes + beside),
        "/v1/voice-clone": MOST_REFERENCE_BYTES + beside,
        "/v1/tts/batch": batch + beside,
    }


def content(upload: UploadFile, most: int) -> BinaryIO:
    """What was sent, to be read from its start. Raises FileTooLarge for more than `most` bytes."""
    if (upload.size or 0) > most:
        raise FileTooLarge(f"The file has {upload.size} bytes; at most {most} are allowed.", param="file")
    return upload.file
