"""Responses that describe jobs, and the preference for a job in a request."""

from datetime import UTC, datetime

from fastapi import Request
from starlette.responses import Response

from ttsai_server.api.audio_response import warning_headers
from ttsai_server.api.negotiation import JobPreference, prefers_async
from ttsai_server.api.schemas import BatchAnswer, BatchItem, JobBody, JobState, TaskBody, TaskError, TimestampsInfo
from ttsai_server.domain import Caller
from ttsai_server.services.job_completion import result_url
from ttsai_server.services.jobs import AcceptedJobs
from ttsai_server.store.jobs import CANCELLED, COMPLETED, FAILED, Job


def job_preference(request: Request, caller: Caller, asynchronous: bool, webhook_url: str | None) -> JobPreference:
    """What the request says about being answered with a job. asynchronous, webhook_url: fields of its body."""
    return JobPreference(
        headers=request.headers,
        api_prefix="api_prefix" in request.scope["state"],
        publishable=caller.publishable,
        asynchronous=asynchronous,
        webhook_url=webhook_url,
    )


def accepted_response(accepted: AcceptedJobs, request: Request, voice_id: str | None = None) -> Response:
    """The response to an order that was accepted as a job. voice_id: of the voice that it saves."""
    job = accepted.jobs[0]
    body = JobBody(
        uuid=job.id,
        job_id=job.id,
        task_id=job.id,
        status="queued",
        credits_used=job.credits,
        credits_remaining=accepted.remaining,
        voice_id=voice_id,
    )
    preferred = prefers_async(request.headers.get("prefer", ""))
    headers = {**paid_headers(accepted), **warning_headers(accepted.warnings)}
    return json_response(body, {**headers, **({"Preference-Applied": "respond-async"} if preferred else {})})


def json_response(body: JobBody | JobState | TaskBody | BatchAnswer, headers: dict[str, str] | None = None) -> Response:
    """The body as JSON, without the fields that are None."""
    return Response(body.model_dump_json(exclude_none=True), headers=headers, media_type="application/json")


def state_body(job: Job, times: TimestampsInfo | None = None) -> JobState:
    """A job's state, for clients that poll /v1/speech/results. times: of the words that it has spoken."""
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
        timestamps=times,
        error=error,
        message=error,
        warnings=_warnings(job),
    )


def task_body(job: Job) -> TaskBody:
    """A job in full, for /v1/tasks/."""
    failed = TaskError(code=job.error_code or "", message=job.error_message or "")
    return TaskBody(
        task_id=job.id,
        uuid=job.id,
        kind=job.kind,
        model=job.model,
        status=job.state,  # pyright: ignore[reportArgumentType]
        progress=round(job.progress, 3),
        credits_used=job.credits,
        created_at=shown_time(job.created_at),
        started_at=None if job.started_at is None else shown_time(job.started_at),
        completed_at=None if job.ended_at is None else shown_time(job.ended_at),
        result_url=result_url(job) if job.state == COMPLETED else None,
        error=failed if job.state == FAILED else None,
        warnings=_warnings(job),
    )


def batch_body(id: str, items: list[Job]) -> BatchAnswer:
    """A batch with its jobs, in their order."""
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
        warnings=_warnings(job),
    )


def _warnings(job: Job) -> list[str] | None:
    return list(job.warnings) if job.warnings else None


def paid_headers(accepted: AcceptedJobs) -> dict[str, str]:
    """The price of all accepted jobs, and the remaining credits; no headers if billing is off."""
    if accepted.remaining is None:
        return {}
    used = sum(job.credits for job in accepted.jobs)
    return {"X-Credits-Used": str(used), "X-Credits-Remaining": str(accepted.remaining)}


def shown_time(at: float) -> str:
    """Unix seconds → ISO 8601, UTC, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
