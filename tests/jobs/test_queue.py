"""The queue, in the ledger's own database and transactions, on both kinds."""

import asyncio
import time

import pytest
from sqlalchemy import Connection

from ttsai_server.jobs.queue import DbosQueue
from ttsai_server.settings import Jobs
from ttsai_server.store.db import Database
from ttsai_server.store.jobs import Job


def job(id: str, turn: int = 1, model: str = "tone") -> Job:
    return Job(id, "acct", "pro", "tts", model, "{}", "speech.mp3", "http://a", turn=turn)


async def waiting(queue: DbosQueue) -> dict[str, tuple[str | None, int | None]]:
    """Id → partition and priority."""
    found = await asyncio.to_thread(queue.client.list_workflows, status="ENQUEUED")
    return {one.workflow_id: (one.queue_partition_key, one.priority) for one in found}


async def test_a_task_waits_in_its_models_line_at_its_turn(database: Database, queue: DbosQueue) -> None:
    await database.write(queue.enqueue, job("a", 3))
    await database.write(queue.enqueue, job("b", 1, "kokoro"))
    assert await waiting(queue) == {"a": ("tone", 3), "b": ("kokoro", 1)}


async def test_a_transaction_that_breaks_off_enqueues_nothing(database: Database, queue: DbosQueue) -> None:
    def enqueue_and_fail(connection: Connection) -> None:
        queue.enqueue(connection, job("a"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(enqueue_and_fail)
    assert await waiting(queue) == {}


async def test_what_is_over_is_forgotten_and_what_waits_is_not(database: Database, queue: DbosQueue) -> None:
    await database.write(queue.enqueue, job("over"))
    await database.write(queue.enqueue, job("waiting"))
    await asyncio.to_thread(queue.client.cancel_workflow, "over")
    await queue.forget(time.time() - 60)
    assert len(await asyncio.to_thread(queue.client.list_workflows)) == 2
    await queue.forget(time.time() + 60)
    [left] = await asyncio.to_thread(queue.client.list_workflows)
    assert left.workflow_id == "waiting"


async def test_registering_again_takes_the_new_settings(queue: DbosQueue) -> None:
    await asyncio.to_thread(queue.register, Jobs(concurrent=2))
    await asyncio.to_thread(queue.register, Jobs(concurrent=7))
    [registered] = await asyncio.to_thread(queue.client.list_queues)
    assert await registered.get_partition_worker_concurrency_async() == 7
