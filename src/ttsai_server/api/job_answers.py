"""Jobs as the contract writes them, and what of a request says that it wants one."""

from datetime import UTC, datetime

from fastapi import Request
from starlette.responses import Response

from ttsai_server.api.dialect import Asked, prefers_async
from ttsai_server.api.schemas import BatchAnswer, BatchItem, JobBody, JobState, TaskBody, TaskError
from ttsai_server.api.sound import warning_headers
from ttsai_server.domain import Caller
from ttsai_server.services.ending import result_url
from ttsai_server.services.tasks import Accepted
from ttsai_server.store.tasks import CANCELLED, COMPLETED, FAILED, Task


def asked(request: Request, caller: Caller, asynchronous: bool, webhook_url: str | None) -> Asked:
    return Asked(
        headers=request.headers,
        api_prefix="api_prefix" in request.scope["state"],
        publishable=caller.publishable,
        asynchronous=asynchronous,
        webhook_url=webhook_url,
    )


def job(accepted: Accepted, request: Request) -> Response:
    """The answer to an order that is a job now."""
    task = accepted.tasks[0]
    body = JobBody(
        uuid=task.id,
        job_id=task.id,
        task_id=task.id,
        status="queued",
        credits_used=task.credits,
        credits_remaining=accepted.remaining,
    )
    preferred = prefers_async(request.headers.get("prefer", ""))
    headers = {**paid_headers(accepted), **warning_headers(accepted.warnings)}
    return written(body, {**headers, **({"Preference-Applied": "respond-async"} if preferred else {})})


def written(body: JobBody | JobState | TaskBody | BatchAnswer, headers: dict[str, str] | None = None) -> Response:
    """Without what is absent."""
    return Response(body.model_dump_json(exclude_none=True), headers=headers, media_type="application/json")


def state(task: Task) -> JobState:
    url = result_url(task) if task.state == COMPLETED else None
    error = "The task was cancelled." if task.state == CANCELLED else task.error_message
    return JobState(
        uuid=task.id,
        status=FAILED if task.state == CANCELLED else task.state,  # pyright: ignore[reportArgumentType]
        progress=round(task.progress, 3),
        result_url=url,
        url=url,
        cdn_url=url,
        text=task.text,
        language=task.language,
        duration=task.seconds,
        error=error,
        message=error,
    )


def shown(task: Task) -> TaskBody:
    failed = TaskError(code=task.error_code or "", message=task.error_message or "")
    return TaskBody(
        task_id=task.id,
        uuid=task.id,
        kind=task.kind,  # pyright: ignore[reportArgumentType]
        model=task.model,
        status=task.state,  # pyright: ignore[reportArgumentType]
        progress=round(task.progress, 3),
        credits_used=task.credits,
        created_at=_time(task.created_at),
        started_at=None if task.started_at is None else _time(task.started_at),
        completed_at=None if task.ended_at is None else _time(task.ended_at),
        result_url=result_url(task) if task.state == COMPLETED else None,
        error=failed if task.state == FAILED else None,
    )


def batch(id: str, items: list[Task]) -> BatchAnswer:
    return BatchAnswer(
        batch_id=id,
        status="completed" if all(task.ended_at for task in items) else "processing",
        total=len(items),
        completed=sum(task.state == COMPLETED for task in items),
        credits_charged=sum(task.credits for task in items),
        items=[_item(task) for task in items],
    )


def _item(task: Task) -> BatchItem:
    return BatchItem(
        index=task.number,
        uuid=task.id,
        status=task.state,  # pyright: ignore[reportArgumentType]
        error=task.error_message,
        url=result_url(task) if task.state == COMPLETED else None,
        credits=task.credits,
    )


def paid_headers(accepted: Accepted) -> dict[str, str]:
    """What the order costs, and what is left; none where nobody pays."""
    if accepted.remaining is None:
        return {}
    used = sum(task.credits for task in accepted.tasks)
    return {"X-Credits-Used": str(used), "X-Credits-Remaining": str(accepted.remaining)}


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
