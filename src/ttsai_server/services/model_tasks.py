"""Pulls of weights and installations of environments that administrators start while the server runs.

They are kept in memory: one that a stop of the server breaks off has to be started again, and goes on where it was.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from secrets import token_hex
from threading import Thread
from typing import Any, Literal

from ttsai_server.domain import ModelCard
from ttsai_server.engines.installation import install
from ttsai_server.engines.weights import pull
from ttsai_server.errors import ApiError, NotFound
from ttsai_server.services.trials import Trials
from ttsai_server.settings import Settings
from ttsai_server.store.audit import AuditLog

logger = logging.getLogger(__name__)

Action = Literal["pull", "install"]
AT_ONCE = 2
"""Tasks that run at the same time; others wait."""
MOST_KEPT = 200
"""Tasks that are remembered, those that have ended included."""


@dataclass(frozen=True, slots=True)
class ModelTask:
    id: str
    model: str
    """Id of its card."""
    action: Action
    by: str
    """Who asked for it; see `administration`."""
    started_at: float
    """Unix seconds."""
    state: Literal["running", "completed", "failed"] = "running"
    step: str = ""
    """What is being done, such as the file that is being fetched, or the last line of uv's output."""
    done: int = 0
    """Bytes of that file that are here."""
    total: int | None = None
    """Bytes of it; None: not known."""
    error: str | None = None
    """Why it failed."""
    ended_at: float | None = None
    """Unix seconds."""


class ModelTasks:
    def __init__(self, settings: Settings, audit: AuditLog) -> None:
        self._models = settings.models.dir
        self._trials = Trials(settings)
        self._audit = audit
        self._tasks: dict[str, ModelTask] = {}
        """By id, oldest first."""
        self._work: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def start(self, by: str, card: ModelCard, action: Action) -> ModelTask:
        """Pull a model's weights, or make its environment. If that is under way, → the task that does so."""
        running = (task for task in self._tasks.values() if (task.model, task.action) == (card.id, action))
        if found := next((task for task in running if task.state == "running"), None):
            return found
        task = ModelTask(f"mtask_{token_hex(8)}", card.id, action, by, time.time())
        self._keep(task)
        try:
            await self._audit.record(by, f"model.{action}", card.id, {"task": None}, {"task": task.id})
        except BaseException:  # what is not in the audit log is not done
            del self._tasks[task.id]
            raise
        work = asyncio.create_task(self._run(task, card))
        self._work.add(work)
        work.add_done_callback(self._work.discard)
        return task

    def recent(self) -> list[ModelTask]:
        """Those since the server's start, oldest first; at most `MOST_KEPT`."""
        return [*self._tasks.values()]

    def get(self, id: str) -> ModelTask:
        """Raises NotFound."""
        if id not in self._tasks:
            raise NotFound(f"There is no task {id!r}; tasks are forgotten when the server stops.")
        return self._tasks[id]

    async def close(self) -> None:
        """Stop waiting for what is under way; it ends with the process."""
        for work in self._work:
            work.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

    async def _run(self, task: ModelTask, card: ModelCard) -> None:
        async with self._slots:
            before = await asyncio.to_thread(self._trials.availability, card)
            error = await self._outcome(task, card)
        after = await asyncio.to_thread(self._trials.availability, card)
        state = "failed" if error else "completed"
        self._update(task.id, state=state, error=error, ended_at=time.time())
        facts = {"status": after.status, "error": error}
        await self._audit.record(task.by, f"model.{task.action}.{state}", card.id, {"status": before.status}, facts)

    async def _outcome(self, task: ModelTask, card: ModelCard) -> str | None:
        """Do it. → why it failed; None if it did not."""
        try:
            await _in_daemon(partial(self._do, task, card))
        except (ApiError, OSError) as error:
            return str(error)
        except Exception:
            logger.exception("could not %s %s", task.action, card.id)
            return "Something went wrong; the server's log says what."
        return None

    def _do(self, task: ModelTask, card: ModelCard) -> None:
        if task.action == "pull":
            pull(card, self._models, lambda what, done, total: self._update(task.id, step=what, done=done, total=total))
        else:
            install(card, self._models, lambda line: self._update(task.id, step=line))

    def _update(self, id: str, **changes: Any) -> None:
        if id in self._tasks:
            self._tasks[id] = replace(self._tasks[id], **changes)

    def _keep(self, task: ModelTask) -> None:
        ended = (id for id, task in self._tasks.items() if task.state != "running")
        if len(self._tasks) >= MOST_KEPT and (oldest := next(ended, None)):
            del self._tasks[oldest]
        self._tasks[task.id] = task


async def _in_daemon(work: Callable[[], None]) -> None:
    """Run blocking work in a thread of its own, for which the end of the process does not wait."""
    loop = asyncio.get_running_loop()
    ended = loop.create_future()

    def finish(error: BaseException | None) -> None:
        if not ended.done():
            ended.set_exception(error) if error else ended.set_result(None)

    def run() -> None:
        try:
            work()
            error = None
        except Exception as caught:
            error = caught
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(finish, error)

    Thread(target=run, name="model-task", daemon=True).start()
    await ended
