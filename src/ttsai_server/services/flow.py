"""The way of everything that a client asks for, in a request or in a job.

    Order ──planner──▶ Plan ──run──▶ Run ──steps──▶ Outcome
    what is asked      checked,      holds credits, leases and files;
                       priced        ends well: charged; fails: nothing; closed early: what was made

Everything that can be wrong with an order is found by its planner, and what can be wrong with its upload before a model
is loaded, and before a credit is reserved if the upload decides about the price. `registry.PLANNERS` has a row for each
kind of order.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, ClassVar, Generic, Self, TypeVar, cast

from anyio import to_thread
from sqlalchemy import Connection

from ttsai_server.domain import Caller, Segment
from ttsai_server.services.billing import Hold, Price, charged
from ttsai_server.services.context import ServiceContext
from ttsai_server.store.ledger import Used

S = TypeVar("S")
R = TypeVar("R", bound="Run[Any, Any]")


class Order(Generic[R]):
    """What a client asks for: a frozen dataclass whose types are right and whose meaning is not yet checked.

    It knows no catalogue, and all its fields can be written as JSON. R: the run that it becomes.
    """

    kind: ClassVar[str]
    """How it is named in the registry, in jobs and in the account's usage."""
    takes_upload: ClassVar[bool] = False
    """Whether it comes with a file."""

    def to_json(self) -> str:
        """For the row of a job."""
        return json.dumps(asdict(cast(Any, self)))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` has written."""
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(ABC):
    """A checked order. No credit is held and no model loaded."""

    kind: str
    """Of its order."""
    model: str
    """Id of the card that does most of it, or `kind` where no model is needed: jobs of one model share a queue."""
    result_name: str
    """File name of the result, with its extension."""
    price: Price
    """Of a unit; how many units there are, the run knows."""
    warnings: tuple[str, ...] = ()
    """What the client should know though the order is carried out, as options that the engine does not have."""

    @abstractmethod
    def run(self, caller: Caller, context: ServiceContext, upload: BinaryIO | None = None) -> "Run[Any, Any]":
        """Its run; nothing is read, reserved or loaded until the steps are asked for.

        upload: the file that the order came with; the caller closes it after the run.
        """


Planner = Callable[[ServiceContext, Caller, Any], Plan]
"""Checks an order of its kind; may block, and runs in a thread of `anyio.to_thread`.

Raises BadRequest, UnknownModel, UnknownVoice or NotReady.
"""


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A finished file; the run that made it closes it."""

    name: str
    """With its extension."""
    content_type: str
    file: BinaryIO


@dataclass(frozen=True, slots=True)
class OutputParts:
    """Files that become results of their own; the result proper says where they are."""

    files: tuple[OutputFile, ...]
    index: Callable[[str, Mapping[str, str], int], bytes]
    """Job id, part's name (without extension) → address, credits charged → the result, JSON."""
    kind: str = "task"
    """What the parts' ids begin with."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has made."""

    used: Used
    result: OutputFile | OutputParts
    language: str | None = None
    """ISO 639-1: of what was said or heard."""
    segments: tuple[Segment, ...] | None = None
    """What was said or heard when, for subtitles; None: nothing is spoken in such a result."""
    text: str | None = None
    """What was heard."""
    beside: Callable[[Connection], object] | None = None
    """Writes what exists only if the run has ended well, in the transaction that ends it."""


Deliver = Callable[[Outcome], Awaitable[None]]

P = TypeVar("P", bound=Plan)


class Run(ABC, Generic[P, S]):
    """A plan being carried out. It owns the credits, leases and temporary files that it needs.

    Ends well: all is charged. Fails: nothing is. Closed early, because the client left: what was made is charged.
    """

    def __init__(self, plan: P, caller: Caller, context: ServiceContext) -> None:
        self.plan = plan
        self.warnings: tuple[str, ...] = plan.warnings
        """Those of the plan, and what was found on the way."""
        self._caller = caller
        self._context = context
        self._hold: Hold | None = None

    @property
    def hold(self) -> Hold:
        """The credits; there from the first step on."""
        assert self._hold
        return self._hold

    @property
    @abstractmethod
    def progress(self) -> float:
        """How much is done, 0 to 1."""

    @abstractmethod
    async def credits(self) -> int:
        """The price of all of it; an upload is decoded for its length. Raises BadRequest or FileTooLarge for it."""

    @abstractmethod
    def steps(self, deliver: Deliver | None = None) -> AsyncGenerator[S]:
        """Carry it out, once; what a step is, each run says. Then call `deliver`, before it is paid.

        Raises BadRequest or FileTooLarge for the upload, InsufficientCredits, ModelLoading, what the engines raise, or
        what `deliver` raises. Must be closed (`aclosing`).
        """

    @abstractmethod
    def used(self) -> Used:
        """What has been done so far, and its price."""

    @abstractmethod
    async def outcome(self) -> Outcome:
        """What was made; once the steps have ended well."""

    async def finish(self, deliver: Deliver | None = None) -> None:
        """All the steps, one after the other."""
        async with aclosing(self.steps(deliver)) as steps:
            async for _ in steps:
                pass

    def warn(self, *warnings: str) -> None:
        """Add what was found on the way to `warnings`, each once."""
        self.warnings = tuple(dict.fromkeys((*self.warnings, *warnings)))

    def close(self) -> None:
        """Close the files that it has made. Idempotent."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _paid(self, work: AsyncGenerator[S], credits: int, deliver: Deliver | None = None) -> AsyncGenerator[S]:
        """The steps of `work`, with so many credits reserved."""
        self._hold = await self._context.billing.reserve(self._caller, credits)
        async with charged(self._hold, self.used, self._count), aclosing(work) as steps:
            async for step in steps:
                yield step
            if deliver:
                await deliver(await self.outcome())

    def _count(self, used: Used) -> None:
        """In the metrics, what was done; `Hold.credits` are charged for it."""
        metrics = self._context.metrics
        metrics.audio_seconds.labels(used.model).inc(used.seconds)
        metrics.characters.labels(used.model).inc(used.characters)
        metrics.credits.labels(used.model).inc(self.hold.credits)


class CompositeRun(Run[P, S]):
    """A run made of other runs, its parts: they charge nobody, since it holds the credits for them all."""

    def _part(self, plan: Plan, upload: BinaryIO | None = None) -> "Run[Any, Any]":
        """A part; for the caller to close."""
        return plan.run(self._caller, self._context.unbilled(), upload)

    def _count(self, used: Used) -> None:
        """Sound and text are counted by the parts, each for its own model."""
        self._context.metrics.credits.labels(used.model).inc(self.hold.credits)


class Flow:
    """Takes orders of every registered kind to their runs."""

    def __init__(self, context: ServiceContext, planners: Mapping[type[Order[Any]], Planner]) -> None:
        self.context = context
        self._planners = planners
        self._orders = {order.kind: order for order in planners}

    def unbilled(self) -> "Flow":
        """The same, but its runs charge nobody; see `ServiceContext.unbilled`."""
        return Flow(self.context.unbilled(), self._planners)

    def order(self, kind: str, text: str) -> Order[Any]:
        """The order of a job, from its row."""
        return self._orders[kind].from_json(text)

    async def plan(self, caller: Caller, order: Order[Any]) -> Plan:
        """Raises what the order's planner raises."""
        return await to_thread.run_sync(self._planners[type(order)], self.context, caller, order)

    def run(self, caller: Caller, plan: Plan, upload: BinaryIO | None = None) -> "Run[Any, Any]":
        """As `Plan.run`, in this context."""
        return plan.run(caller, self.context, upload)

    async def start(self, caller: Caller, order: Order[R], upload: BinaryIO | None = None) -> R:
        """Plan the order. → its run; raises as `plan`."""
        return cast(R, self.run(caller, await self.plan(caller, order), upload))
