"""POST /v1/audio/convert, analyze, enhance, dereverb and separate: tools for recordings."""

from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Literal

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from starlette.responses import Response

from ttsai_server.api.audio_response import WholeFile, file_headers, finished_file, warning_headers
from ttsai_server.api.deps import AuthedServices, BaseUrl, CurrentCaller
from ttsai_server.api.disconnect import cancel_on_disconnect
from ttsai_server.api.job_responses import accepted_response, job_preference
from ttsai_server.api.negotiation import asks_for_job, prefers_zip
from ttsai_server.api.schemas import BILLABLE, JobBody, MusicBody, StemsBody
from ttsai_server.api.streaming import credit_headers
from ttsai_server.api.uploads import UploadRoute, content
from ttsai_server.services.flow import Order, Outcome, OutputFile, Run
from ttsai_server.services.jobs import JobOptions, Upload
from ttsai_server.services.tools import Analyze, Dereverb, Enhance, Separate, Transcode

router = APIRouter(tags=["tools"], route_class=UploadRoute)

Format = Literal["mp3", "wav", "flac", "ogg", "m4a", "aac"]
SOUND = {
    200: {
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("audio/mpeg", "audio/wav", "audio/flac", "audio/ogg", "audio/mp4", "audio/aac")
        }
    }
}
ZIP = {200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}}
COUNTS = {"mono": 1, "stereo": 2}


@dataclass(frozen=True)
class ToolForm:
    """The fields that all tools share."""

    file: UploadFile
    asynchronous: Annotated[bool, Form(alias="async")] = False
    webhook_url: Annotated[str | None, Form()] = None


@dataclass(frozen=True, kw_only=True)
class ConvertForm(ToolForm):
    format: Annotated[Format, Form()]
    # literals of text: pydantic does not convert a form's text to a Literal of numbers
    bitrate: Annotated[Literal["64", "128", "192", "256", "320"] | None, Form()] = None
    sample_rate: Annotated[Literal["22050", "44100", "48000"] | None, Form()] = None
    channels: Annotated[Literal["mono", "stereo"] | None, Form()] = None

    def order(self) -> Transcode:
        return Transcode(
            self.format,
            bitrate=int(self.bitrate) * 1000 if self.bitrate else None,
            sample_rate=int(self.sample_rate) if self.sample_rate else None,
            channels=COUNTS[self.channels] if self.channels else None,
        )


@dataclass(frozen=True, kw_only=True)
class EnhanceForm(ToolForm):
    denoise: Annotated[bool, Form()] = True
    enhance_clarity: Annotated[bool, Form()] = True
    super_resolution: Annotated[bool, Form()] = False
    strength: Annotated[int, Form(ge=1, le=3)] = 2
    format: Annotated[Format, Form()] = "wav"

    def order(self) -> Enhance:
        return Enhance(self.denoise, self.enhance_clarity, self.super_resolution, self.strength, self.format)


@dataclass(frozen=True, kw_only=True)
class DereverbForm(ToolForm):
    type: Annotated[Literal["echo", "reverb", "both"], Form()] = "both"
    intensity: Annotated[int, Form(ge=1, le=5)] = 3
    format: Annotated[Format, Form()] = "wav"

    def order(self) -> Dereverb:
        return Dereverb(self.type != "reverb", self.type != "echo", self.intensity, self.format)


@dataclass(frozen=True, kw_only=True)
class SeparateForm(ToolForm):
    model: Annotated[str | None, Form()] = None
    stems: Annotated[Literal["2", "4", "5", "6"], Form()] = "2"
    format: Annotated[Literal["wav", "mp3", "flac"], Form()] = "wav"

    def order(self, *, zip: bool) -> Separate:
        return Separate(self.model, int(self.stems), self.format, zip)


@dataclass(frozen=True)
class Call:
    """The dependencies that every tool's route has beside its form."""

    request: Request
    services: AuthedServices
    caller: CurrentCaller
    base_url: BaseUrl

    async def answer(self, form: ToolForm, order: Order[Any]) -> Response:
        """The file that the order produces; or a job, if the client asks for one."""
        if self._wants_job(form):
            return await self._job(form, order)
        run = await self._start(form, order)
        file = await finished_file(run, self.request.receive)
        named = {} if file.content_type == "application/json" else file_headers(file.name)
        return WholeFile(file.file, file.content_type, {**credit_headers(run.hold), **named})

    async def parts(self, form: ToolForm, order: Order[Any]) -> Response:
        """JSON with the URLs of the files that the order produces, which are stored like the results of a job; or a
        job."""
        if self._wants_job(form):
            return await self._job(form, order)
        await self.services.results.check_room(self.caller.account)
        kept: list[OutputFile] = []
        with await self._start(form, order) as run:

            async def keep(outcome: Outcome) -> None:
                options = JobOptions(self.base_url)
                kept.append(await self.services.jobs.keep(self.caller, order, run, outcome, options))

            await cancel_on_disconnect(self.request.receive, run.finish(keep))
        headers = {**credit_headers(run.hold), **warning_headers(run.warnings)}
        return WholeFile(kept[0].file, kept[0].content_type, headers)

    def _wants_job(self, form: ToolForm) -> bool:
        return asks_for_job(job_preference(self.request, self.caller, form.asynchronous, form.webhook_url))

    async def _job(self, form: ToolForm, order: Order[Any]) -> Response:
        upload, options = (
            Upload(self._file(form), form.file.filename or ""),
            JobOptions(self.base_url, form.webhook_url),
        )
        return accepted_response(await self.services.jobs.submit(self.caller, order, options, upload), self.request)

    async def _start(self, form: ToolForm, order: Order[Any]) -> Run[Any, Any]:
        return await self.services.flow.start(self.caller, order, self._file(form))

    def _file(self, form: ToolForm) -> BinaryIO:
        return content(form.file, self.services.settings.tools.max_file_bytes)


Calling = Annotated[Call, Depends()]


@router.post("/v1/audio/convert", response_model=JobBody, responses={**BILLABLE, **SOUND})
async def convert(form: Annotated[ConvertForm, Depends()], call: Calling) -> Response:
    """Convert a recording to another format, bit rate, sample rate or number of channels. Free."""
    return await call.answer(form, form.order())


@router.post("/v1/audio/analyze", response_model=MusicBody | JobBody, responses=BILLABLE)
async def analyze(form: Annotated[ToolForm, Depends()], call: Calling) -> Response:
    """Find the key, tempo and metre of music. Free."""
    return await call.answer(form, Analyze())


@router.post("/v1/audio-enhance", response_model=JobBody, responses={**BILLABLE, **SOUND}, include_in_schema=False)
@router.post("/v1/audio/enhance", response_model=JobBody, responses={**BILLABLE, **SOUND})
async def enhance(form: Annotated[EnhanceForm, Depends()], call: Calling) -> Response:
    """Improve a recording of speech: remove noise, make it clearer, restore missing treble."""
    return await call.answer(form, form.order())


@router.post("/v1/audio/dereverb", response_model=JobBody, responses={**BILLABLE, **SOUND})
async def dereverb(form: Annotated[DereverbForm, Depends()], call: Calling) -> Response:
    """Remove echoes and reverberation from a recording."""
    return await call.answer(form, form.order())


@router.post("/v1/audio/separate", response_model=StemsBody | JobBody, responses={**BILLABLE, **ZIP})
async def separate(form: Annotated[SeparateForm, Depends()], call: Calling) -> Response:
    """Separate music into stems. The answer has the URL of each; with `Accept: application/zip`, one file with all."""
    if prefers_zip(call.request.headers.get("accept", "")):
        return await call.answer(form, form.order(zip=True))
    return await call.parts(form, form.order(zip=False))
