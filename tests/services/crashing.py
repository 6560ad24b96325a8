"""A capability for tests whose model dies under some orders, and takes with it whatever else it is doing."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, ClassVar

from ttsai_server.domain import Caller
from ttsai_server.errors import ModelCrashed
from ttsai_server.services.billing import MINUTE, Price
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import Deliver, Order, Outcome, OutputFile, Plan, Run
from ttsai_server.store.ledger import Used


class Process:
    """The model's: a crash ends every step that runs in it."""

    def __init__(self) -> None:
        self.crashes = 0
        self.most_together = 0
        self._steps: dict[asyncio.Future[None], bool] = {}
        """Whether each is fatal."""

    async def step(self, *, fatal: bool, beside: int) -> None:
        """Until the first crash, wait for so many other steps; a fatal one among them crashes all.

        After it, a fatal step crashes at once, and any other ends well. Raises ModelCrashed.
        """
        step = asyncio.get_running_loop().create_future()
        self._steps[step] = fatal
        self.most_together = max(self.most_together, len(self._steps))
        try:
            if (self.crashes or len(self._steps) > beside) and any(self._steps.values()):
                self._crash()
            if fatal or not self.crashes or step.done():
                await step
        finally:
            del self._steps[step]

    def _crash(self) -> None:
        self.crashes += 1
        for step in self._steps:
            step.set_exception(ModelCrashed("The model crashed.", retry_after=0))


@dataclass(frozen=True, slots=True)
class Crash(Order["CrashRun"]):
    kind: ClassVar[str] = "crash"

    fatal: bool
    beside: int = 0
    """How many other orders are under way before the first crash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashPlan(Plan):
    order: Crash
    process: Process

    def run(self, caller: Caller, context: ServiceContext, upload: BinaryIO | None = None) -> "CrashRun":
        return CrashRun(self, caller, context)


class CrashRun(Run[CrashPlan, None]):
    @property
    def progress(self) -> float:
        return 0.0

    async def credits(self) -> int:
        return self.plan.price.of(1)

    def steps(self, deliver: Deliver | None = None) -> AsyncGenerator[None]:
        return self._paid(self._work(), self.plan.price.of(1), deliver)

    def used(self) -> Used:
        return Used(self.plan.kind, self.plan.model, 0, 1, self.plan.price.of(1))

    async def outcome(self) -> Outcome:
        return Outcome(self.used(), OutputFile(self.plan.result_name, "text/plain", BytesIO(b"Done.")))

    async def _work(self) -> AsyncGenerator[None]:
        await self.plan.process.step(fatal=self.plan.order.fatal, beside=self.plan.order.beside)
        yield


class Crasher:
    """The planner of `Crash`."""

    def __init__(self) -> None:
        self.process = Process()

    def __call__(self, context: ServiceContext, caller: Caller, order: Crash) -> CrashPlan:
        return CrashPlan(
            kind=order.kind,
            model=order.kind,
            result_name="crash.txt",
            price=Price(5, MINUTE),
            order=order,
            process=self.process,
        )
