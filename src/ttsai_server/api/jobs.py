"""Jobs: their state and results, batches, subtitles, cancelling."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import ValidationError
from starlette.responses import Response

from ttsai_server.api.bodies import BatchBody, SpeechBody
from ttsai_server.api.deps import AuthedServices, BaseUrl, CurrentCaller, ServicesDep
from ttsai_server.api.errors import bad_request
from ttsai_server.api.job_responses import batch, paid_headers, shown, state, written
from ttsai_server.api.schemas import (
    BILLABLE,
    KEYED,
    BatchAnswer,
    JobState,
    SubtitlesBody,
    TaskBody,
    errors,
)
from ttsai_server.api.speech import published_order
from ttsai_server.errors import ApiError
from ttsai_server.services.jobs import JobOptions
from ttsai_server.services.speech import SpeechOrder
from ttsai_server.text.subtitles import subtitles

router = APIRouter(tags=["jobs"])

OPEN = errors(400, 404, 500)
Id = Annotated[str, Query(max_length=100)]


@router.get("/v1/speech/results", response_model=JobState, responses=OPEN)
@router.get("/v1/transcribe/results", response_model=JobState, responses=OPEN)
async def job_state(uuid: Id, services: ServicesDep) -> Response:
    """How far a job is, and where its result is; who knows its id needs no key."""
    return written(state(await services.jobs.get(uuid)))


@router.get("/v1/speech/subtitles", responses=OPEN)
async def job_subtitles(uuid: Id, services: ServicesDep, format: Literal["srt", "vtt"] = "srt") -> SubtitlesBody:
    """Subtitles of what a finished job said or heard, by the engine's own times."""
    job = await services.jobs.get(uuid)
    segments = await services.jobs.segments(job)
    return SubtitlesBody(
        format=format,
        content="".join(subtitles(segments, format)),
        cached=True,
        segment_count=len(segments),
        language=job.language or "",
        duration=round(job.seconds or 0.0, 3),
    )


@router.post("/v1/tts/batch", response_model=BatchAnswer, responses=BILLABLE)
async def start_batch(body: BatchBody, services: AuthedServices, caller: CurrentCaller, base_url: BaseUrl) -> Response:
    """Up to 50 texts, each a job; one that can't be done is a job that has failed."""
    orders, options = [_order(item) for item in body.texts], JobOptions(base_url, body.webhook_url)
    id, accepted = await services.jobs.submit_batch(caller, SpeechOrder.kind, orders, options)
    return written(batch(id, list(accepted.jobs)), paid_headers(accepted))


@router.get("/v1/tts/batch/result", response_model=BatchAnswer, responses=KEYED)
async def batch_result(batch_id: Id, services: AuthedServices, caller: CurrentCaller) -> Response:
    """A batch as it stands."""
    return written(batch(batch_id, await services.jobs.of_batch(caller, batch_id)))


@router.get("/v1/tasks/{id}", response_model=TaskBody, responses=KEYED)
async def get_task(id: str, services: AuthedServices, caller: CurrentCaller) -> Response:
    """A job of the account's."""
    return written(shown(await services.jobs.own(caller, id)))


@router.delete("/v1/tasks/{id}", response_model=TaskBody, responses=KEYED)
async def cancel_task(id: str, services: AuthedServices, caller: CurrentCaller) -> Response:
    """Cancel a job; its credits return. One that has ended stays as it is."""
    return written(shown(await services.jobs.cancel(caller, id)))


def _order(item: dict[str, object]) -> SpeechOrder | ApiError:
    try:
        return published_order(SpeechBody.model_validate(item))
    except ValidationError as error:
        return bad_request([{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors()])
