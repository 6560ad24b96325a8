"""What DBOS runs: a task, then the webhook that tells of its end. Steps that have ended are not done again."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ttsai_server.jobs.queue import TASK
from ttsai_server.services.job_runner import JobRunner
from ttsai_server.services.webhooks import Webhooks

T = TypeVar("T")

TELL = "tell"
"""The workflow that sees a delivery through: hours, if nobody takes it."""
RETRIES = 10
"""Of a step that raises, which is when the database can't be reached; each wait is twice the one before it."""


class Workflows:
    """The steps run on the server's event loop, where the models are; DBOS's own loop waits for them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, work: JobRunner, webhooks: Webhooks) -> None:
        self._loop = loop
        self._work = work
        self._webhooks = webhooks

    def register(self) -> None:
        """Before DBOS is launched."""
        from dbos import DBOS

        @DBOS.workflow(name=TASK, max_recovery_attempts=None)
        async def task(id: str) -> None:
            delivery = await self._step("work", self._work.do, id)
            if delivery:
                from dbos import SetWorkflowID

                with SetWorkflowID(f"{TELL}_{delivery}"):
                    await DBOS.start_workflow_async(tell, delivery)

        @DBOS.workflow(name=TELL, max_recovery_attempts=None)
        async def tell(delivery: str) -> None:
            number = 1
            while (wait := await self._step("attempt", self._webhooks.attempt, delivery, number)) is not None:
                await DBOS.sleep_async(wait)
                number += 1

    async def _step(self, name: str, act: Callable[..., Coroutine[Any, Any, T]], *arguments: object) -> T:
        from dbos import DBOS

        async def on_the_servers_loop() -> T:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(act(*arguments), self._loop))

        options: Any = {"name": name, "retries_allowed": True, "max_attempts": RETRIES}
        return await DBOS.run_step_async(options, on_the_servers_loop)
