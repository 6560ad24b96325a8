"""POST /v1/speech-translate/: a recording in another language."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form
from starlette.responses import Response

from ttsai_server.api.schemas import BILLABLE, JobBody, TranslationBody
from ttsai_server.api.tools import Calling, ToolForm
from ttsai_server.api.uploads import UploadRoute
from ttsai_server.services.speech_translation import SpeechTranslationOrder

router = APIRouter(tags=["translation"], route_class=UploadRoute)


@dataclass(frozen=True, kw_only=True)
class SpeechTranslationForm(ToolForm):
    target_language: Annotated[str, Form()]
    source_language: Annotated[str, Form()] = "auto"
    voice: Annotated[str, Form()] = ""
    preserve_voice: Annotated[bool, Form()] = False
    keep_timing: Annotated[bool, Form()] = False
    diarize: Annotated[bool, Form()] = False
    stt_model: Annotated[str, Form()] = "whisper"
    format: Annotated[Literal["mp3", "wav", "flac", "ogg"], Form()] = "mp3"

    def order(self) -> SpeechTranslationOrder:
        return SpeechTranslationOrder(
            target_language=self.target_language,
            source_language=self.source_language,
            voice=self.voice,
            preserve_voice=self.preserve_voice,
            keep_timing=self.keep_timing,
            diarize=self.diarize,
            stt_model=self.stt_model,
            format=self.format,
        )


@router.post("/v1/speech-translate", response_model=TranslationBody | JobBody, responses=BILLABLE)
async def translate_speech(form: Annotated[SpeechTranslationForm, Depends()], call: Calling) -> Response:
    """Say a recording in another language. The answer has the texts and the URL of the sound; or a job."""
    return await call.parts(form, form.order())
