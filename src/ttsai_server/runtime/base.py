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
    """When the sound that a listener has runs out: the deadline of the next step. Made inside a running loop."""

    def __init__(self) -> None:
        self._now = asyncio.get_running_loop().time
        self.due = self._now()
        """Seconds of the loop's clock."""

    def add(self, seconds: float) -> None:
        """More sound is ready; it plays after what there was, or from now on if that has run out."""
        self.due = max(self.due, self._now()) + seconds


NextStep = Callable[[], Awaitable[Any]]
"""Does the next step of work and returns what it yields; None: there is no more. Cancelled, it interrupts the step, and
returns when that has stopped."""


class LoadedModel(Protocol):
    """A model in memory, in this process or in one of its own."""

    @property
    def alive(self) -> bool:
        """False once it is closed, or its process has ended."""
        ...

    @property
    def memory_mb(self) -> int:
        """What it takes, megabytes."""
        ...

    def steps(self, method: str, arguments: tuple[Any, ...]) -> AbstractAsyncContextManager[NextStep]:
        """Begin a run of a method of its engine, which has to be a generator."""
        ...

    async def close(self) -> None:
        """Free it; nothing runs in it any more. Idempotent."""
        ...


class EngineHandle(Protocol):
    """A leased model: it stays loaded until the lease ends."""

    def run(
        self,
        method: Callable[[Any, *Arguments, Cancellation], Generator[S]],
        *arguments: *Arguments,
        playback: Playback | None = None,
    ) -> AsyncGenerator[S]:
        """Run a method of the model's engine, as `Synthesizer.synthesize`, off the event loop; yield what it yields.

        Each step waits for a turn at the processor. What it made is added to `playback`, whose deadline orders the
        turns: pass one for all the pieces that are heard one after the other. Without one, the work that has got least
        far goes on first.

        Cancelling the task that iterates interrupts the engine, and returns when it has stopped; must be closed
        (`aclosing`). Raises what the engine raises, ModelCrashed if the model's process ends, and ModelLoading if no
        turn comes within `models.queue_wait_seconds`.
        """
        ...


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model's place in the pool, for /metrics and /health/ready."""

    id: str
    loaded: bool
    loading: bool
    memory_mb: int
    """What it takes, megabytes: resident, of a process of its own, else as its card says; 0 when not loaded."""
    leases: int
    """Requests that hold it."""
    waiting: int
    """Steps of work that wait for a turn."""
    idle_seconds: float
    crashed: bool = False
    """Its process has died, and it has not been loaded again since."""


class Runtime(Protocol):
    """Where models run; `pool.Pool` has them on this machine."""

    def lease(self, card: ModelCard) -> AbstractAsyncContextManager[EngineHandle]:
        """Hold a model, loading it first if need be.

        Raises ModelLoading when it is still loading after `models.load_wait_seconds`, when too many requests hold it,
        or when it has crashed and may not be loaded again yet, and what the engine's `load` raises.
        """
        ...

    async def unload(self, card: ModelCard) -> bool:
        """Free a model that nobody holds; False if it is held or not loaded."""
        ...

    def states(self) -> list[ModelState]:
        """Every model that has been asked for."""
        ...
