"""POST /elevenlabs/v1/speech-to-text."""

import asyncio
import math
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Annotated, BinaryIO, Literal, cast

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from starlette.responses import Response

from ttsai_server.api.deps import AuthedServices, CurrentCaller
from ttsai_server.api.disconnect import cancel_on_disconnect
from ttsai_server.api.elevenlabs.alignment import spread
from ttsai_server.api.elevenlabs.schemas import BILLABLE, HeardCharacter, HeardWord, TranscriptBody
from ttsai_server.api.streaming import credit_headers
from ttsai_server.api.uploads import UploadRoute, content
from ttsai_server.domain import Transcript, Word
from ttsai_server.errors import BadRequest
from ttsai_server.services.choice import AUTO
from ttsai_server.services.result_json import to_milliseconds
from ttsai_server.services.transcription import TranscriptionOrder
from ttsai_server.settings import Settings
from ttsai_server.text.language import normalise_code, three_letters

router = APIRouter(tags=["ElevenLabs"], route_class=UploadRoute)

PCM_RATE = 16_000
"""Hertz, of `pcm_s16le_16`."""
IN_MEMORY_BYTES = COPIED_BYTES = 1 << 20
LEAST_PROBABILITY = 1e-6
"""A word's confidence, of which there is a logarithm, is not below it."""


@dataclass(frozen=True)
class TranscriptionForm:
    """The form of a request; what is not here has no effect."""

    model_id: Annotated[str, Form()]
    file: UploadFile | None = None
    language_code: Annotated[str, Form()] = AUTO
    timestamps_granularity: Annotated[Literal["none", "word", "character"], Form()] = "word"
    diarize: Annotated[bool, Form()] = False
    num_speakers: Annotated[int | None, Form(ge=1, le=32)] = None
    """At most so many."""
    temperature: Annotated[float, Form(ge=0, le=1, allow_inf_nan=False)] = 0.0
    file_format: Annotated[Literal["pcm_s16le_16", "other"], Form()] = "other"
    use_multi_channel: Annotated[bool, Form()] = False
    webhook: Annotated[bool, Form()] = False

    def order(self, settings: Settings) -> TranscriptionOrder:
        """Raises BadRequest for what is not offered here."""
        for field in ("use_multi_channel", "webhook"):
            if getattr(self, field):
                raise BadRequest(f"{field!r} is not offered here.", param=field)
        listens = settings.transcription
        return TranscriptionOrder(
            model=listens.default_model if self.model_id in settings.elevenlabs.listeners else self.model_id,
            language=self.language_code,
            words=True,
            diarize=self.diarize,
            max_speakers=self.num_speakers,
            temperature=self.temperature,
        )


@router.post("/elevenlabs/v1/speech-to-text", response_model=TranscriptBody, responses=BILLABLE)
async def speech_to_text(
    form: Annotated[TranscriptionForm, Depends()], request: Request, services: AuthedServices, caller: CurrentCaller
) -> Response:
    """Transcribe a recording."""
    if form.file is None:
        raise BadRequest("'file' is required: recordings are not fetched from elsewhere.", param="file")
    order = form.order(services.settings)
    file = content(form.file, services.settings.transcription.max_file_bytes)
    if form.file_format != "other":
        file = await asyncio.to_thread(_as_wav, file)
    with file:
        run = await services.flow.start(caller, order, file)
        await cancel_on_disconnect(request.receive, run.finish())
    body = await asyncio.to_thread(_body, run.transcript, form)
    return Response(body.model_dump_json(exclude_none=True), 200, credit_headers(run.hold), "application/json")


def _as_wav(samples: BinaryIO) -> BinaryIO:
    """A WAV file of samples without a header."""
    file = cast(BinaryIO, SpooledTemporaryFile[bytes](IN_MEMORY_BYTES))
    with wave.open(file, "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(PCM_RATE)
        while part := samples.read(COPIED_BYTES):
            target.writeframes(part)
    file.seek(0)
    return file


def _body(transcript: Transcript, form: TranscriptionForm) -> TranscriptBody:
    asked = form.language_code.strip().lower() not in ("", AUTO) and normalise_code(form.language_code)
    return TranscriptBody(
        language_code=three_letters(transcript.language),
        language_probability=1.0 if asked else 0.0,
        text=transcript.text,
        words=list(_words(transcript, form)),
        audio_duration_secs=to_milliseconds(transcript.seconds),
    )


def _words(transcript: Transcript, form: TranscriptionForm) -> Iterator[HeardWord]:
    timed, by_character = form.timestamps_granularity != "none", form.timestamps_granularity == "character"
    before: Word | None = None
    for word in (word for segment in transcript.segments for word in segment.words):
        if before and not word.joined:
            yield _heard(" ", "spacing", before.end, max(before.end, word.start), word, timed=timed)
        heard = _heard(word.text, "word", word.start, word.end, word, timed=timed)
        yield heard.model_copy(update={"characters": _characters(word)}) if by_character else heard
        before = word


def _heard(
    text: str, type: Literal["word", "spacing"], start: float, end: float, word: Word, *, timed: bool
) -> HeardWord:
    return HeardWord(
        text=text,
        type=type,
        start=to_milliseconds(start) if timed else None,
        end=to_milliseconds(end) if timed else None,
        speaker_id=f"speaker_{int(word.speaker.removeprefix('SPEAKER_'))}" if word.speaker else None,
        logprob=round(math.log(max(word.probability, LEAST_PROBABILITY)), 4),
    )


def _characters(word: Word) -> list[HeardCharacter]:
    return [
        HeardCharacter(text=text, start=to_milliseconds(start), end=to_milliseconds(end))
        for text, start, end in spread(word.text, word.start, word.end)
    ]
