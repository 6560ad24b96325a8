"""How a task ends: its state, its money, its webhook, in one transaction."""

import time
from dataclasses import dataclass

from sqlalchemy import Connection

from ttsai_server.errors import ApiError, NotFound
from ttsai_server.services.webhooks import JobEnd
from ttsai_server.store import jobs, ledger, webhooks
from ttsai_server.store.jobs import CANCELLED, COMPLETED, FAILED, Batch, Job
from ttsai_server.store.ledger import Used


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """What a task that went well leaves, beside its result."""

    used: Used
    language: str | None = None
    segments: str | None = None
    """What was said when, JSON."""
    text: str | None = None
    """What was heard."""


def result_url(job: Job) -> str:
    return f"{job.base_url}/v1/results/{job.id}.{job.name.rpartition('.')[2]}"


def complete(connection: Connection, job: str, made: JobOutcome) -> None:
    """Raises NotFound if it has ended already: there must be no result of it then."""
    facts = {"progress": 1.0, "language": made.language, "seconds": made.used.seconds, "text": made.text}
    ended = jobs.end(connection, job, COMPLETED, segments=made.segments, **facts)
    if ended is None:
        raise NotFound(f"The task {job!r} is over.")
    if ended.reservation:
        ledger.settle(connection, ended.reservation, made.used)
    _tell(connection, ended)


def fail(connection: Connection, job: str, error: ApiError) -> Job | None:
    """→ it; None if it has ended already."""
    ended = jobs.end(connection, job, FAILED, credits=0, error_code=error.code, error_message=error.message)
    return _unpaid(connection, ended)


def cancel(connection: Connection, job: str) -> Job | None:
    """As `fail`; its client knows, and is told nothing."""
    return _unpaid(connection, jobs.end(connection, job, CANCELLED, credits=0))


def _unpaid(connection: Connection, ended: Job | None) -> Job | None:
    if ended and ended.reservation:
        ledger.release(connection, ended.reservation)
    if ended:
        _tell(connection, ended)
    return ended


def _tell(connection: Connection, ended: Job) -> None:
    """Enter what is to be told of it, or of its batch if that ends with it."""
    if ended.webhook_url and ended.state != CANCELLED:
        _enter(connection, ended, ended.webhook_url, _end_of(ended))
    if ended.batch:
        batch = jobs.one_less(connection, ended.batch)
        if batch.webhook_url and not batch.open:
            _enter(connection, ended, batch.webhook_url, _end_of_batch(connection, batch))


def _enter(connection: Connection, ended: Job, url: str, end: JobEnd) -> None:
    delivery = end.told_to(ended.account, url)
    webhooks.enter(connection, delivery)
    jobs.tells(connection, ended.id, delivery.id)


def _end_of(job: Job) -> JobEnd:
    completed_at = job.ended_at or time.time()
    if job.state == COMPLETED:
        return JobEnd(job.id, job.created_at, completed_at, job.credits, result_url=result_url(job))
    error = {"code": job.error_code or "", "message": job.error_message or ""}
    return JobEnd(job.id, job.created_at, completed_at, 0, error=error)


def _end_of_batch(connection: Connection, batch: Batch) -> JobEnd:
    credits = sum(job.credits for job in jobs.of_batch(connection, batch.id))
    url = f"{batch.base_url}/api/v1/tts/batch/result/?batch_id={batch.id}"
    return JobEnd(batch.id, batch.created_at, time.time(), credits, result_url=url)
