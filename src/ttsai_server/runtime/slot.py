"""State of one model in the pool: the model while it is loaded, its leases, and the queue of its steps."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Any

from ttsai_server.domain import ModelCard
from ttsai_server.engines.base import Cancellation
from ttsai_server.errors import ModelLoading
from ttsai_server.runtime.base import Arguments, LoadedModel, ModelState, NextStep, Playback, S
from ttsai_server.runtime.restarts import Restarts
from ttsai_server.runtime.scheduler import DeadlineSemaphore, NoTurn
from ttsai_server.settings import Models
from ttsai_server.tracing import span

SATURATED_RETRY_SECONDS = 5


class Slot:
    def __init__(self, card: ModelCard, steps: int, models: Models) -> None:
        """steps: how many may run at the same time."""
        self.card = card
        self.model: LoadedModel | None = None
        """The model that a new lease gets; None: it has to be loaded."""
        self.loading: asyncio.Task[LoadedModel] | None = None
        self.leases = 0
        self.handles: set[Handle] = set()
        """Leases with a loaded model; some may still hold one that has been replaced."""
        self.last_used = monotonic()
        self.turns = DeadlineSemaphore(steps)
        self.restarts = Restarts(models.restart_seconds)
        self.crashed = False
        self._models = models

    def settle(self) -> None:
        """Drop the model if its process has ended."""
        if self.model and not self.model.alive:
            crashed, self.model = self.model.crashed, None
            if crashed:
                self.crash()

    def crash(self) -> None:
        self.restarts.died()
        self.crashed = True

    def recycle(self, model: LoadedModel) -> None:
        """Drop the model if it exceeds `models.recycle_mb`: the next lease loads a new one."""
        if self._models.recycle_mb and model is self.model and model.memory_mb > self._models.recycle_mb:
            self.model = None

    async def next_turn(self, next_step: NextStep, due: float, times: "Times") -> Any:
        """Wait for a turn and run the step. Raises ModelLoading after `models.queue_wait_seconds`."""
        seconds, asked = self._models.queue_wait_seconds, monotonic()
        try:
            async with self.turns.turn(due, seconds):
                begun = monotonic()
                times.waited += begun - asked
                try:
                    return await next_step()
                finally:
                    times.worked += monotonic() - begun
        except NoTurn:
            raise self.saturated(f"no turn came in {seconds:g} s") from None

    def saturated(self, why: str) -> ModelLoading:
        return ModelLoading(f"{self.card.id!r} is busy: {why}.", retry_after=SATURATED_RETRY_SECONDS)

    def state(self) -> ModelState:
        self.settle()
        return ModelState(
            id=self.card.id,
            loaded=self.model is not None,
            loading=self.loading is not None,
            memory_mb=self.model.memory_mb if self.model else 0,
            leases=self.leases,
            waiting=self.turns.waiting,
            idle_seconds=0 if self.leases else monotonic() - self.last_used,
            crashed=self.crashed,
        )


@dataclass(slots=True)
class Times:
    """Of all steps of a run, in seconds."""

    waited: float = 0.0
    """For their turns."""
    worked: float = 0.0
    sound: float = 0.0
    """Length of what they have made, or worked on."""


class Handle:
    """See `base.EngineHandle`."""

    def __init__(self, slot: Slot, model: LoadedModel) -> None:
        self.model = model
        self._slot = slot

    @property
    def cpu_seconds(self) -> float | None:
        return self.model.cpu_seconds

    async def run(
        self,
        method: Callable[[Any, *Arguments, Cancellation], Generator[S]],
        *arguments: *Arguments,
        playback: Playback | None = None,
    ) -> AsyncGenerator[S]:
        playback = playback or Playback()
        with self._traced(method.__name__) as times:
            async with self.model.steps(method.__name__, arguments, playback.ahead) as next_step:
                while step := await self._slot.next_turn(next_step, playback.due, times):
                    self._slot.recycle(self.model)
                    playback.add(step.seconds)
                    times.sound += step.seconds
                    yield step
                    if step.last:  # another turn, only to see the generator end, would come once all sound was played
                        return

    @contextmanager
    def _traced(self, method: str) -> Generator[Times]:
        times = Times()
        with span(method, {"ttsai.model": self._slot.card.id}) as traced:
            try:
                yield times
            finally:
                traced.set({f"ttsai.{name}_seconds": round(value, 4) for name, value in asdict(times).items()})
