"""How a task ends: its state, its money, its webhook, in one transaction."""

import time
from dataclasses import dataclass

from sqlalchemy import Connection

from ttsai_server.errors import ApiError, NotFound
from ttsai_server.services.webhooks import TaskEnd
from ttsai_server.store import ledger, tasks, webhooks
from ttsai_server.store.ledger import Used
from ttsai_server.store.tasks import CANCELLED, COMPLETED, FAILED, Batch, Task


@dataclass(frozen=True, slots=True)
class Made:
    """What a task that went well leaves, beside its result."""

    used: Used
    language: str | None = None
    segments: str | None = None
    """What was said when, JSON."""
    text: str | None = None
    """What was heard."""


def result_url(task: Task) -> str:
    return f"{task.base_url}/v1/results/{task.id}.{task.name.rpartition('.')[2]}"


def complete(connection: Connection, task: str, made: Made) -> None:
    """Raises NotFound if it has ended already: there must be no result of it then."""
    facts = {"progress": 1.0, "language": made.language, "seconds": made.used.seconds, "text": made.text}
    ended = tasks.end(connection, task, COMPLETED, segments=made.segments, **facts)
    if ended is None:
        raise NotFound(f"The task {task!r} is over.")
    if ended.reservation:
        ledger.settle(connection, ended.reservation, made.used)
    _tell(connection, ended)


def fail(connection: Connection, task: str, error: ApiError) -> Task | None:
    """→ it; None if it has ended already."""
    ended = tasks.end(connection, task, FAILED, credits=0, error_code=error.code, error_message=error.message)
    return _unpaid(connection, ended)


def cancel(connection: Connection, task: str) -> Task | None:
    """As `fail`; its client knows, and is told nothing."""
    return _unpaid(connection, tasks.end(connection, task, CANCELLED, credits=0))


def _unpaid(connection: Connection, ended: Task | None) -> Task | None:
    if ended and ended.reservation:
        ledger.release(connection, ended.reservation)
    if ended:
        _tell(connection, ended)
    return ended


def _tell(connection: Connection, ended: Task) -> None:
    """Enter what is to be told of it, or of its batch if that ends with it."""
    if ended.webhook_url and ended.state != CANCELLED:
        _enter(connection, ended, ended.webhook_url, _end_of(ended))
    if ended.batch:
        batch = tasks.one_less(connection, ended.batch)
        if batch.webhook_url and not batch.open:
            _enter(connection, ended, batch.webhook_url, _end_of_batch(connection, batch))


def _enter(connection: Connection, ended: Task, url: str, end: TaskEnd) -> None:
    delivery = end.told_to(ended.account, url)
    webhooks.enter(connection, delivery)
    tasks.tells(connection, ended.id, delivery.id)


def _end_of(task: Task) -> TaskEnd:
    completed_at = task.ended_at or time.time()
    if task.state == COMPLETED:
        return TaskEnd(task.id, task.created_at, completed_at, task.credits, result_url=result_url(task))
    error = {"code": task.error_code or "", "message": task.error_message or ""}
    return TaskEnd(task.id, task.created_at, completed_at, 0, error=error)


def _end_of_batch(connection: Connection, batch: Batch) -> TaskEnd:
    credits = sum(task.credits for task in tasks.of_batch(connection, batch.id))
    url = f"{batch.base_url}/api/v1/tts/batch/result/?batch_id={batch.id}"
    return TaskEnd(batch.id, batch.created_at, time.time(), credits, result_url=url)
