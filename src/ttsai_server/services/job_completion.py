"""How a job ends: its state, its money, its upload, its webhook, in one transaction."""

import time
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from ttsai_server.errors import ApiError, NotFound
from ttsai_server.services.job_files import upload_of
from ttsai_server.services.webhooks import JobEnd
from ttsai_server.store import jobs, ledger, webhooks
from ttsai_server.store.jobs import CANCELLED, COMPLETED, FAILED, Batch, Job
from ttsai_server.store.ledger import Used
from ttsai_server.store.results import discard


def result_url(job: Job) -> str:
    return f"{job.base_url}/v1/results/{job.id}.{job.name.rpartition('.')[2]}"


def complete(
    connection: Connection,
    job: str,
    used: Used,
    *,
    language: str | None = None,
    segments: str | None = None,
    text: str | None = None,
    beside: Callable[[Connection], object] | None = None,
    warnings: Sequence[str] = (),
) -> None:
    """The job has its result: charge what was used. Segments are JSON; see `flow.Outcome`.

    Raises NotFound if it has ended already: there must be no result of it then. Raises what `beside` raises.
    """
    facts = {"language": language, "segments": segments, "text": text, "seconds": used.seconds}
    ended = jobs.end(connection, job, COMPLETED, progress=1.0, warnings=warnings or None, **facts)
    if ended is None:
        raise NotFound(f"The task {job!r} is over.")
    if ended.reservation:
        ledger.settle(connection, ended.reservation, used)
    _wind_up(connection, ended)
    if beside:
        beside(connection)


def fail(connection: Connection, job: str, error: ApiError) -> Job | None:
    """→ it; None if it has ended already."""
    ended = jobs.end(connection, job, FAILED, credits=0, error_code=error.code, error_message=error.message)
    return _unpaid(connection, ended)


def cancel(connection: Connection, job: str) -> Job | None:
    """As `fail`, but without a webhook event: the client that cancels knows."""
    return _unpaid(connection, jobs.end(connection, job, CANCELLED, credits=0))


def _unpaid(connection: Connection, ended: Job | None) -> Job | None:
    if ended and ended.reservation:
        ledger.release(connection, ended.reservation)
    if ended:
        _wind_up(connection, ended)
    return ended


def _wind_up(connection: Connection, ended: Job) -> None:
    """Drop the upload, and record the webhook event for this job, and for its batch when this was its last job."""
    discard(connection, upload_of(ended.id))
    if ended.webhook_url and ended.state != CANCELLED:
        webhooks.enter(connection, _end_of(ended).delivery(ended.account, ended.webhook_url))
    if ended.batch:
        batch = jobs.count_ended(connection, ended.batch)
        if batch.webhook_url and not batch.open:
            end = _end_of_batch(connection, batch)
            webhooks.enter(connection, end.delivery(ended.account, batch.webhook_url))


def _end_of(job: Job) -> JobEnd:
    completed_at = job.ended_at or time.time()
    if job.state == COMPLETED:
        return JobEnd(job.id, job.created_at, completed_at, job.credits, result_url(job), warnings=job.warnings or ())
    error = {"code": job.error_code or "", "message": job.error_message or ""}
    return JobEnd(job.id, job.created_at, completed_at, 0, error=error)


def _end_of_batch(connection: Connection, batch: Batch) -> JobEnd:
    credits = sum(job.credits for job in jobs.of_batch(connection, batch.id))
    url = f"{batch.base_url}/api/v1/tts/batch/result/?batch_id={batch.id}"
    return JobEnd(batch.id, batch.created_at, time.time(), credits, result_url=url)
