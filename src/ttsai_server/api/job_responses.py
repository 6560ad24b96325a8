"""Jobs as the contract writes them, and what of a request says that it wants one."""

from datetime import UTC, datetime

from fastapi import Request
from starlette.responses import Response

from ttsai_server.api.audio_response import warning_headers
from ttsai_server.api.negotiation import JobPreference, prefers_async
from ttsai_server.api.schemas import BatchAnswer, BatchItem, JobBody, JobState, TaskBody, TaskError
from ttsai_server.domain import Caller
from ttsai_server.services.job_completion import result_url
from ttsai_server.services.jobs import AcceptedJobs
from ttsai_server.store.jobs import CANCELLED, COMPLETED, FAILED, Job


def job_preference(request: Request, caller: Caller, asynchronous: bool, webhook_url: str | None) -> JobPreference:
    return JobPreference(
        headers=request.headers,
        api_prefix="api_prefix" in request.scope["state"],
        publishable=caller.publishable,
        asynchronous=asynchronous,
        webhook_url=webhook_url,
    )


def accepted_response(accepted: AcceptedJobs, request: Request) -> Response:
    """The answer to an order that is a job now."""
    job = accepted.jobs[0]
    body = JobBody(
        uuid=job.id,
        job_id=job.id,
        task_id=job.id,
        status="queued",
        credits_used=job.credits,
        credits_remaining=accepted.remaining,
    )
    preferred = prefers_async(request.headers.get("prefer", ""))
    headers = {**paid_headers(accepted), **warning_headers(accepted.warnings)}
    return written(body, {**headers, **({"Preference-Applied": "respond-async"} if preferred else {})})


def written(body: JobBody | JobState | TaskBody | BatchAnswer, headers: dict[str, str] | None = None) -> Response:
    """Without what is absent."""
    return Response(body.model_dump_json(exclude_none=True), headers=headers, media_type="application/json")


def state(job: Job) -> JobState:
    url = result_url(job) if job.state == COMPLETED else None
    error = "The task was cancelled." if job.state == CANCELLED else job.error_message
    return JobState(
        uuid=job.id,
        status=FAILED if job.state == CANCELLED else job.state,  # pyright: ignore[reportArgumentType]
        progress=round(job.progress, 3),
        result_url=url,
        url=url,
        cdn_url=url,
        text=job.text,
        language=job.language,
        duration=job.seconds,
        error=error,
        message=error,
    )


def shown(job: Job) -> TaskBody:
    failed = TaskError(code=job.error_code or "", message=job.error_message or "")
    return TaskBody(
        task_id=job.id,
        uuid=job.id,
        kind=job.kind,
        model=job.model,
        status=job.state,  # pyright: ignore[reportArgumentType]
        progress=round(job.progress, 3),
        credits_used=job.credits,
        created_at=_time(job.created_at),
        started_at=None if job.started_at is None else _time(job.started_at),
        completed_at=None if job.ended_at is None else _time(job.ended_at),
        result_url=result_url(job) if job.state == COMPLETED else None,
        error=failed if job.state == FAILED else None,
    )


def batch(id: str, items: list[Job]) -> BatchAnswer:
    return BatchAnswer(
        batch_id=id,
        status="completed" if all(job.ended_at for job in items) else "processing",
        total=len(items),
        completed=sum(job.state == COMPLETED for job in items),
        credits_charged=sum(job.credits for job in items),
        items=[_item(job) for job in items],
    )


def _item(job: Job) -> BatchItem:
    return BatchItem(
        index=job.number,
        uuid=job.id,
        status=job.state,  # pyright: ignore[reportArgumentType]
        error=job.error_message,
        url=result_url(job) if job.state == COMPLETED else None,
        credits=job.credits,
    )


def paid_headers(accepted: AcceptedJobs) -> dict[str, str]:
    """What the order costs, and what is left; none where nobody pays."""
    if accepted.remaining is None:
        return {}
    used = sum(job.credits for job in accepted.jobs)
    return {"X-Credits-Used": str(used), "X-Credits-Remaining": str(accepted.remaining)}


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
