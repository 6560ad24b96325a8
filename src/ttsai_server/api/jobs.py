"""Jobs: their state and results, batches, subtitles, cancelling."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import ValidationError
from starlette.responses import Response

from ttsai_server.api.bodies import BatchBody, SpeechBody
from ttsai_server.api.deps import Asking, BaseUrl, Keyed, Wired
from ttsai_server.api.errors import bad_request
from ttsai_server.api.job_answers import batch, paid_headers, shown, state, written
from ttsai_server.api.schemas import (
    BILLABLE,
    KEYED,
    BatchAnswer,
    JobState,
    SubtitlesBody,
    TaskBody,
    errors,
)
from ttsai_server.api.speech import published
from ttsai_server.errors import ApiError
from ttsai_server.services.speech import Order
from ttsai_server.services.tasks import Ordering
from ttsai_server.text.subtitles import subtitles

router = APIRouter(tags=["jobs"])

OPEN = errors(400, 404, 500)
Id = Annotated[str, Query(max_length=100)]


@router.get("/v1/speech/results", response_model=JobState, responses=OPEN)
@router.get("/v1/transcribe/results", response_model=JobState, responses=OPEN)
async def job_state(uuid: Id, services: Wired) -> Response:
    """How far a job is, and where its result is; who knows its id needs no key."""
    return written(state(await services.tasks.get(uuid)))


@router.get("/v1/speech/subtitles", responses=OPEN)
async def job_subtitles(uuid: Id, services: Wired, format: Literal["srt", "vtt"] = "srt") -> SubtitlesBody:
    """Subtitles of what a finished job said or heard, by the engine's own times."""
    task = await services.tasks.get(uuid)
    segments = await services.tasks.segments(task)
    return SubtitlesBody(
        format=format,
        content="".join(subtitles(segments, format)),
        cached=True,
        segment_count=len(segments),
        language=task.language or "",
        duration=round(task.seconds or 0.0, 3),
    )


@router.post("/v1/tts/batch", response_model=BatchAnswer, responses=BILLABLE)
async def start_batch(body: BatchBody, services: Keyed, caller: Asking, base_url: BaseUrl) -> Response:
    """Up to 50 texts, each a job; what is wrong with one is told of that one."""
    how = Ordering(base_url, body.webhook_url)
    id, accepted = await services.tasks.say_all(caller, [_order(item) for item in body.texts], how)
    return written(batch(id, list(accepted.tasks)), paid_headers(accepted))


@router.get("/v1/tts/batch/result", response_model=BatchAnswer, responses=KEYED)
async def batch_result(batch_id: Id, services: Keyed, caller: Asking) -> Response:
    """A batch as it stands."""
    return written(batch(batch_id, await services.tasks.of_batch(caller, batch_id)))


@router.get("/v1/tasks/{id}", response_model=TaskBody, responses=KEYED)
async def get_task(id: str, services: Keyed, caller: Asking) -> Response:
    """A job of the account's."""
    return written(shown(await services.tasks.own(caller, id)))


@router.delete("/v1/tasks/{id}", response_model=TaskBody, responses=KEYED)
async def cancel_task(id: str, services: Keyed, caller: Asking) -> Response:
    """Cancel a job; its credits return. One that has ended stays as it is."""
    return written(shown(await services.tasks.cancel(caller, id)))


def _order(item: dict[str, object]) -> Order | ApiError:
    try:
        return published(SpeechBody.model_validate(item))
    except ValidationError as error:
        return bad_request([{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors()])
