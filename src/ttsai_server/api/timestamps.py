"""Answers with the time of each word of a text."""

import asyncio
import base64
from collections.abc import AsyncGenerator, Iterable
from typing import Literal

import orjson
from starlette.responses import Response
from starlette.types import Receive

from ttsai_server.api.audio_response import finished_file, speech_headers
from ttsai_server.api.schemas import SpokenWordInfo, TimestampsInfo
from ttsai_server.api.streaming import ChunkStream
from ttsai_server.domain import SpokenWord
from ttsai_server.services.flow import OutputFile
from ttsai_server.services.result_json import to_milliseconds
from ttsai_server.services.speech_run import SpeechRun

READ_BYTES = 3 << 14
"""A multiple of three, which base64 writes as four characters."""


def timestamps(source: Literal["model", "aligned"], words: Iterable[SpokenWord]) -> TimestampsInfo:
    """The words as they are shown to clients."""
    return TimestampsInfo(
        source=source,
        words=[
            SpokenWordInfo(
                word=word.text,
                start=to_milliseconds(word.start_seconds),
                end=to_milliseconds(word.end_seconds),
                start_char=word.start_char,
                end_char=word.end_char,
            )
            for word in words
        ],
    )


async def timed_speech(run: SpeechRun, receive: Receive) -> Response:
    """Run to the end. → a TimedSpeechBody. Raises what the run raises, or ClientDisconnected."""
    file = await finished_file(run, receive)
    assert run.times
    shown = timestamps(run.plan.time_source, run.times.words)
    facts = {"content_type": file.content_type, "duration": to_milliseconds(run.seconds)}
    rest = orjson.dumps({**facts, "timestamps": shown.model_dump()})
    return ChunkStream(audio_json("audio", file, rest), "application/json", speech_headers(run))


async def audio_json(field: str, file: OutputFile, rest: bytes) -> AsyncGenerator[bytes]:
    """JSON with the sound in a field, in parts, so that an hour of it is never in memory as a whole.

    rest: the fields beside it.
    """
    with file.file as sound:
        sound.seek(0)
        yield f'{{"{field}":"'.encode()
        while part := await asyncio.to_thread(sound.read, READ_BYTES):
            yield base64.b64encode(part)
        yield b'",' + rest[1:]
