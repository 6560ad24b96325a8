"""What a service sees of a loaded model, wherever it runs."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, TypeVarTuple

from ttsai_server.domain import ModelCard, Step
from ttsai_server.engines.base import Cancellation

S = TypeVar("S", bound=Step)
Arguments = TypeVarTuple("Arguments")


class Playback:
    """Tracks when the sound sent to a listener so far has been played: the deadline of the next step.

    Create it inside a running event loop.
    """

    def __init__(self) -> None:
        self._now = asyncio.get_running_loop().time
        self.due = self._now()
        """Deadline of the next step, in seconds of the event loop's clock."""

    @property
    def ahead(self) -> float:
        """Seconds until the deadline; negative: it has passed."""
        return self.due - self._now()

    def add(self, seconds: float) -> None:
        """Record `seconds` of new sound: it plays after the earlier sound, or from now if that has been played."""
        self.due = max(self.due, self._now()) + seconds


NextStep = Callable[[], Awaitable[Any]]
"""Runs the next step of a generator and returns the value it yields, or None at its end. If cancelled, it interrupts
the step and returns once the step has stopped."""


class LoadedModel(Protocol):
    """A model in memory, in this process or in one of its own."""

    @property
    def alive(self) -> bool:
        """False once it is closed, or its process has ended."""
        ...

    @property
    def crashed(self) -> bool:
        """Whether its process has ended though nobody wanted that; or was killed because a step took too long."""
        ...

    @property
    def memory_mb(self) -> int:
        """Memory that it takes, megabytes."""
        ...

    @property
    def cpu_seconds(self) -> float | None:
        """Processor time that its process has taken so far, of all threads; None: this system does not report it."""
        ...

    def steps(
        self, method: str, arguments: tuple[Any, ...], ahead: float = 0.0
    ) -> AbstractAsyncContextManager[NextStep]:
        """Call a generator method of its engine; the context gives the function that runs its next step.

        ahead: `Playback.ahead`, for a model elsewhere, whose steps take their turns there.
        """
        ...

    async def close(self) -> None:
        """Free it; no step may be running. Idempotent."""
        ...


class EngineHandle(Protocol):
    """A leased model: it stays loaded until the lease ends."""

    @property
    def cpu_seconds(self) -> float | None:
        """As of `LoadedModel`."""
        ...

    def run(
        self,
        method: Callable[[Any, *Arguments, Cancellation], Generator[S]],
        *arguments: *Arguments,
        playback: Playback | None = None,
    ) -> AsyncGenerator[S]:
        """Run a generator method of the model's engine, e.g. `Synthesizer.synthesize`, off the event loop; yield its
        steps.

        Each step waits for its turn on the CPU, earliest `playback` deadline first. The sound of each step is added to
        `playback`: pass the same one for all pieces that are played one after the other. Without one, the run that has
        produced least so far goes first.

        Cancelling the task that iterates interrupts the engine and returns once it has stopped. The generator must be
        closed (`aclosing`). Raises what the engine raises, ModelCrashed if the model's process ends, and ModelLoading
        if no turn comes within `models.queue_wait_seconds`.
        """
        ...


@dataclass(frozen=True, slots=True)
class ModelState:
    """State of a model in the pool, for /metrics and /health/ready."""

    id: str
    loaded: bool
    loading: bool
    memory_mb: int
    """Megabytes: resident memory of its process; for a model in the server's process, its card's figure; 0 when not
    loaded."""
    leases: int
    """Leases that requests and jobs hold."""
    waiting: int
    """Steps that wait for their turn."""
    idle_seconds: float
    crashed: bool = False
    """Its process has died and it has not been reloaded since."""


class Runtime(Protocol):
    """Loads models and leases them: `pool.Pool` on this machine, `ray.RayRuntime` on a cluster."""

    def lease(self, card: ModelCard) -> AbstractAsyncContextManager[EngineHandle]:
        """Lease a model, loading it first if necessary.

        Raises ModelLoading if it is still loading after `models.load_wait_seconds`, if too many requests hold it, or
        if it has crashed and may not be reloaded yet; also whatever the engine's `load` raises.
        """
        ...

    async def load(self, card: ModelCard) -> None:
        """Load a model; where `models.workers` run it, on each of them that can. Raises as `lease`."""
        ...

    async def unload(self, card: ModelCard) -> bool:
        """Free a model wherever it has no leases; False if it has some everywhere, or is not loaded."""
        ...

    def states(self) -> list[ModelState]:
        """The models that have been used since the start."""
        ...

    async def sweep(self) -> None:
        """Unload what has been idle for long, and notice what is gone; runs until cancelled."""
        ...

    async def close(self) -> None:
        """Free every model of this server, and end what it needs for them."""
        ...
