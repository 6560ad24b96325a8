"""Jobs: state, subtitles of results, batches, cancellation."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import ValidationError
from starlette.responses import Response

from ttsai_server.api.account import Before, Limit
from ttsai_server.api.bodies import BatchBody, SpeechBody
from ttsai_server.api.deps import AuthedServices, BaseUrl, CurrentCaller, ServicesDep
from ttsai_server.api.errors import bad_request
from ttsai_server.api.job_responses import batch_body, json_response, paid_headers, state_body, task_body
from ttsai_server.api.schemas import (
    BILLABLE,
    KEYED,
    BatchAnswer,
    JobState,
    SubtitlesBody,
    TaskBody,
    TaskList,
    errors,
)
from ttsai_server.api.speech import published_order
from ttsai_server.api.timestamps import timestamps
from ttsai_server.errors import ApiError, BadRequest
from ttsai_server.services.jobs import JobOptions
from ttsai_server.services.speech import SpeechOrder
from ttsai_server.text.subtitles import subtitles

router = APIRouter(tags=["jobs"])

OPEN = errors(400, 404, 500)
Id = Annotated[str, Query(max_length=100)]


@router.get("/v1/speech/results", response_model=JobState, responses=OPEN)
@router.get("/v1/transcribe/results", response_model=JobState, responses=OPEN)
async def job_state(uuid: Id, services: ServicesDep) -> Response:
    """A job's progress, and the URL of its result. Needs no key: the id can't be guessed."""
    job = await services.jobs.get(uuid)
    times = await services.jobs.timestamps(job)
    return json_response(state_body(job, times and timestamps(*times)))


@router.get("/v1/speech/subtitles", responses=OPEN)
async def job_subtitles(
    uuid: Id,
    services: ServicesDep,
    format: Literal["srt", "vtt"] = "srt",
    by: Literal["sentence", "word"] = "sentence",
    karaoke: bool = False,
) -> SubtitlesBody:
    """Subtitles of the speech that a finished job generated or transcribed.

    The times of words are exact if the job was asked for `timestamps`; else they are spread over each sentence. With
    `by` word each word is a subtitle. With `karaoke`, for vtt, each word of a sentence has its time as a mark.
    """
    if karaoke and (format != "vtt" or by != "sentence"):
        raise BadRequest("'karaoke' is for 'format' vtt, 'by' sentence.", param="karaoke")
    job = await services.jobs.get(uuid)
    segments = await services.jobs.segments(job)
    return SubtitlesBody(
        format=format,
        content="".join(subtitles(segments, format, by=by, karaoke=karaoke)),
        cached=True,
        segment_count=len(segments),
        language=job.language or "",
        duration=round(job.seconds or 0.0, 3),
    )


@router.post("/v1/tts/batch", response_model=BatchAnswer, responses=BILLABLE)
async def start_batch(body: BatchBody, services: AuthedServices, caller: CurrentCaller, base_url: BaseUrl) -> Response:
    """Up to 50 texts, one job each; an invalid one becomes a failed job."""
    orders, options = [_order(item) for item in body.texts], JobOptions(base_url, body.webhook_url)
    id, accepted = await services.jobs.submit_batch(caller, SpeechOrder.kind, orders, options)
    return json_response(batch_body(id, list(accepted.jobs)), paid_headers(accepted))


@router.get("/v1/tts/batch/result", response_model=BatchAnswer, responses=KEYED)
async def batch_result(batch_id: Id, services: AuthedServices, caller: CurrentCaller) -> Response:
    """The current state of a batch."""
    return json_response(batch_body(batch_id, await services.jobs.of_batch(caller, batch_id)))


@router.get("/v1/tasks", responses=KEYED, response_model=TaskList, response_model_exclude_none=True)
async def list_tasks(
    services: AuthedServices, caller: CurrentCaller, limit: Limit = 20, before: Before = None
) -> TaskList:
    """The account's jobs, newest first; with `before`, only those older than it."""
    return TaskList(tasks=[task_body(job) for job in await services.jobs.recent(caller, limit, before)])


@router.get("/v1/tasks/{id}", response_model=TaskBody, responses=KEYED)
async def get_task(id: str, services: AuthedServices, caller: CurrentCaller) -> Response:
    """One job of the account."""
    return json_response(task_body(await services.jobs.own(caller, id)))


@router.delete("/v1/tasks/{id}", response_model=TaskBody, responses=KEYED)
async def cancel_task(id: str, services: AuthedServices, caller: CurrentCaller) -> Response:
    """Cancel a job and return its credits. A job that has ended does not change."""
    return json_response(task_body(await services.jobs.cancel(caller, id)))


def _order(item: dict[str, object]) -> SpeechOrder | ApiError:
    try:
        return published_order(SpeechBody.model_validate(item))
    except ValidationError as error:
        return bad_request([{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors()])
