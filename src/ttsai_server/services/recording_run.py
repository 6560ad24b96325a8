"""Runs on a recording that a client has sent: decoded, priced by its length, its progress in the log and metrics."""

import logging
from abc import abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from time import monotonic
from typing import BinaryIO, TypeVar

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Caller
from ttsai_server.metrics import Metrics
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import Deliver, Plan, Run
from ttsai_server.store.ledger import Used

logger = logging.getLogger(__name__)

PROGRESS_SECONDS = 30
"""How often the progress of a long recording is logged."""

S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingPlan(Plan):
    """How the upload is decoded, beside what is done with it."""

    max_seconds: float
    """A longer recording is refused."""
    rate: int | None = None
    """Hertz; None: its own."""
    channels: int | None = 2
    """At most so many, see `audio.decode.decode`."""


P = TypeVar("P", bound=RecordingPlan)


class RecordingRun(Run[P, S]):
    """A run over an uploaded recording, which is decoded first and priced by its length."""

    def __init__(self, plan: P, caller: Caller, context: ServiceContext, upload: BinaryIO | None) -> None:
        super().__init__(plan, caller, context)
        assert upload, "an order about a recording comes with it"
        self.seconds = 0.0
        """Length of the recording, once it is decoded."""
        self._upload = upload
        self._done = 0.0
        """Seconds of the recording that are done with."""

    @property
    def progress(self) -> float:
        return self._done / max(self.seconds, 0.001)

    async def credits(self) -> int:
        with await self._decode() as recording:
            return self.plan.price.of(recording.seconds)

    async def steps(self, deliver: Deliver | None = None) -> AsyncGenerator[S]:
        with await self._decode() as recording:
            self.seconds = recording.seconds
            credits = self.plan.price.of(self.seconds)
            work = self._tracked(recording)
            async with aclosing(self._paid(work, credits, deliver)) as steps:
                async for step in steps:
                    yield step

    def used(self) -> Used:
        return Used(self.plan.kind, self.plan.model, 0, self._done, self.plan.price.of(self._done))

    @abstractmethod
    def _work(self, recording: Recording) -> AsyncGenerator[S]:
        """Do it."""

    @abstractmethod
    def _reached(self, step: S) -> float:
        """Seconds of the recording that are done with after a step."""

    async def _decode(self) -> Recording:
        plan = self.plan
        return await self._context.sound.decode(
            self._caller, self._upload, plan.max_seconds, rate=plan.rate, channels=plan.channels
        )

    async def _tracked(self, recording: Recording) -> AsyncGenerator[S]:
        progress = Progress(self.plan.model, recording.seconds, self._context.metrics)
        try:
            async with aclosing(self._work(recording)) as steps:
                async for step in steps:
                    self._done = progress.reach(self._reached(step))
                    yield step
            self._done = progress.reach(recording.seconds)
        finally:
            progress.end()


class Progress:
    """How far a recording is, in the metrics and, if it takes long, in the log."""

    def __init__(self, model: str, seconds: float, metrics: Metrics) -> None:
        self._model = model
        self._seconds = seconds
        self._done = 0.0
        self._logged = monotonic()
        self._heard = metrics.heard.labels(model)
        self._unheard = metrics.unheard.labels(model)
        self._unheard.inc(seconds)

    def reach(self, second: float) -> float:
        """So much of it is done. → that, but never less than before nor more than there is."""
        before, self._done = self._done, min(max(second, self._done), self._seconds)
        self._heard.inc(self._done - before)
        self._unheard.dec(self._done - before)
        if monotonic() - self._logged >= PROGRESS_SECONDS:
            self._logged = monotonic()
            logger.info("%s has done %.0f of %.0f s", self._model, self._done, self._seconds)
        return self._done

    def end(self) -> None:
        """Done, or given up."""
        self._unheard.dec(self._seconds - self._done)
