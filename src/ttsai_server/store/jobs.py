"""Jobs as clients see them: what was ordered, how far it is, how it ended.

Each function is, or is part of, one transaction. A task ends once: the UPDATE that ends it asks that it has not ended.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from ttsai_server.store.tables import batches, jobs

QUEUED = "queued"
PROCESSING = "processing"
COMPLETED = "completed"
FAILED = "failed"
CANCELLED = "cancelled"
SWEEP = 500
"""Tasks dealt with in one transaction."""


@dataclass(frozen=True, slots=True)
class Batch:
    id: str
    account: str
    webhook_url: str | None
    base_url: str
    open: int
    """Tasks of it that have not ended."""
    created_at: float
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class Job:
    id: str
    """`task_…`: the uuid, job_id and task_id of the contract, and the id of the result."""
    account: str
    plan: str
    """What the account had when it ordered."""
    kind: str
    """tts | stt | a tool's: convert | enhance | dereverb | separate | analyze."""
    model: str
    """Id of the card, or the kind where there is none; each has a queue of its own."""
    spec: str
    """The order, JSON."""
    name: str
    """File name of the result."""
    base_url: str
    """The address that the client knew the server by, for links."""
    webhook_url: str | None = None
    batch: str | None = None
    number: int = 0
    """Place in its batch, from 0."""
    reservation: str | None = None
    """None where nobody pays."""
    credits: int = 0
    """Set aside; charged once it has completed, 0 if it ends otherwise."""
    turn: int = 0
    """Place in the queue, see `add`; 0 if it never was in one."""
    created_at: float = 0.0
    """Unix seconds, like the other times."""
    state: str = QUEUED
    progress: float = 0.0
    """0 to 1."""
    node: str | None = None
    """Which server does it, or did it last."""
    attempts: int = 0
    """How often it has been begun, without those that its server lived to break off."""
    started_at: float | None = None
    ended_at: float | None = None
    error_code: str | None = None
    error_message: str | None = None
    language: str | None = None
    """ISO 639-1."""
    seconds: float | None = None
    """Length of the sound made or heard."""
    text: str | None = None
    """What was heard."""


COLUMNS = [jobs.c[field.name] for field in fields(Job)]
"""Without the segments, which are megabytes for a long recording, and the lease."""
_BY_ID = jobs.c.id == bindparam("task")
OPEN = jobs.c.ended_at.is_(None)
_GET = select(*COLUMNS).where(_BY_ID)
_SEGMENTS = select(jobs.c.segments).where(_BY_ID)
_OF_BATCH = select(*COLUMNS).where(jobs.c.batch == bindparam("of")).order_by(jobs.c.number)
_IN_QUEUE = select(func.min(jobs.c.turn)).where(jobs.c.model == bindparam("of"), OPEN)
_MINE = select(func.max(jobs.c.turn)).where(jobs.c.model == bindparam("of"), OPEN, jobs.c.account == bindparam("mine"))
_MY_SINGLES = _MINE.where(jobs.c.batch.is_(None))
_COUNT = update(jobs).where(_BY_ID, OPEN).values(attempts=jobs.c.attempts + 1).returning(*COLUMNS)
_REACH = update(jobs).where(_BY_ID, OPEN).values(progress=bindparam("reached")).returning(jobs.c.id)
_END = update(jobs).where(_BY_ID, OPEN).returning(*COLUMNS)
_ONE_LESS = update(batches).where(batches.c.id == bindparam("of")).values(open=batches.c.open - 1).returning(*batches.c)
_LATE = select(jobs.c.id).where(OPEN, jobs.c.created_at < bindparam("before")).limit(SWEEP)
_OLD = select(jobs.c.id).where(jobs.c.ended_at < bindparam("before")).limit(SWEEP)
_EMPTY = batches.c.created_at < bindparam("before"), ~select(jobs.c.id).where(jobs.c.batch == batches.c.id).exists()


def add(connection: Connection, job: Job) -> Job:
    """Put a task at the end of its queue. → it, with its turn.

    Turns go up by one from an account's task to its next, and begin at that of who is served now: so accounts take
    turns however much each has ordered, and none waits for ever (start-time fair queueing: Goyal, Vin and Cheng, 1996).
    An account's single tasks go before those of its batches.
    """
    return add_all(connection, [job])[0]


def add_all(connection: Connection, new: Sequence[Job]) -> list[Job]:
    """`add` for several, in their order."""
    added: list[Job] = []
    last: dict[tuple[str, str, bool], int] = {}
    for job in new:
        queue = job.model, job.account, job.batch is not None
        last[queue] = last[queue] + 1 if queue in last else _next_turn(connection, job)
        added.append(replace(job, turn=last[queue]))
    keep(connection, added)
    return added


def _next_turn(connection: Connection, job: Job) -> int:
    served = connection.scalar(_IN_QUEUE, {"of": job.model}) or 1
    mine = connection.scalar(_MINE if job.batch else _MY_SINGLES, {"of": job.model, "mine": job.account}) or 0
    return max(served, mine + 1)


def keep(connection: Connection, new: Sequence[Job]) -> None:
    """Keep tasks as they are, in no queue."""
    if new:
        connection.execute(insert(jobs), [asdict(job) for job in new])


def open_batch(connection: Connection, batch: Batch) -> None:
    connection.execute(insert(batches), asdict(batch))


def get(connection: Connection, job: str) -> Job | None:
    row = connection.execute(_GET, {"task": job}).one_or_none()
    return Job(*row) if row else None


def segments(connection: Connection, job: str) -> str | None:
    """What was said when, JSON; None if it has not completed."""
    return connection.scalar(_SEGMENTS, {"task": job})


def of_batch(connection: Connection, batch: str) -> list[Job]:
    """In their order."""
    return [Job(*row) for row in connection.execute(_OF_BATCH, {"of": batch})]


def count_attempt(connection: Connection, job: str) -> Job | None:
    """A model has died over it, and it is begun once more. → it; None if it has ended."""
    row = connection.execute(_COUNT, {"task": job}).one_or_none()
    return Job(*row) if row else None


def reach(connection: Connection, job: str, progress: float) -> bool:
    """It has come so far, 0 to 1. → whether it is still wanted."""
    return connection.scalar(_REACH, {"task": job, "reached": progress}) is not None


def end(connection: Connection, job: str, state: str, **facts: object) -> Job | None:
    """It has ended so. → it; None if it had ended before, and nothing is changed. facts: other columns."""
    ended: Mapping[str, object] = {"state": state, "ended_at": time.time(), **facts}
    row = connection.execute(_END.values(**ended), {"task": job}).one_or_none()
    return Job(*row) if row else None


def one_less(connection: Connection, batch: str) -> Batch:
    """One more of its tasks has ended. Who ends the last one sees `open` 0; of servers at once, one does."""
    return Batch(*connection.execute(_ONE_LESS, {"of": batch}).one())


def late(connection: Connection, before: float) -> list[str]:
    """Tasks made before a Unix time that have not ended."""
    return list(connection.scalars(_LATE, {"before": before}))


def purge(connection: Connection, before: float) -> list[str]:
    """Forget tasks that ended before a Unix time. → their ids."""
    old = list(connection.scalars(_OLD, {"before": before}))
    connection.execute(delete(jobs).where(jobs.c.id.in_(old)))
    connection.execute(delete(batches).where(*_EMPTY), {"before": before})
    return old
