"""Jobs as clients see them: what was ordered, how far it is, how it ended.

Each function is, or is part of, one transaction. A task ends once: the UPDATE that ends it asks that it has not ended.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, select, update

from ttsai_server.store.tables import batches, tasks

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
class Task:
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
    """How often it has been begun."""
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
    delivery: str | None = None
    """Id of the webhook's delivery that tells of its end, or of its batch's."""


_COLUMNS = [column for column in tasks.c if column.name != "segments"]
"""Those of Task: the segments of a long recording are megabytes."""
_BY_ID = tasks.c.id == bindparam("task")
_OPEN = tasks.c.ended_at.is_(None)
_GET = select(*_COLUMNS).where(_BY_ID)
_SEGMENTS = select(tasks.c.segments).where(_BY_ID)
_OF_BATCH = select(*_COLUMNS).where(tasks.c.batch == bindparam("of")).order_by(tasks.c.number)
_IN_QUEUE = select(func.min(tasks.c.turn)).where(tasks.c.model == bindparam("of"), _OPEN)
_MINE = select(func.max(tasks.c.turn)).where(
    tasks.c.model == bindparam("of"), _OPEN, tasks.c.account == bindparam("mine")
)
_MY_SINGLES = _MINE.where(tasks.c.batch.is_(None))
_BEGIN = (
    update(tasks)
    .where(_BY_ID, _OPEN)
    .values(
        state=PROCESSING,
        node=bindparam("by"),
        attempts=tasks.c.attempts + 1,
        started_at=func.coalesce(tasks.c.started_at, bindparam("now")),
    )
    .returning(*_COLUMNS)
)
_REACH = update(tasks).where(_BY_ID, _OPEN).values(progress=bindparam("reached")).returning(tasks.c.id)
_END = update(tasks).where(_BY_ID, _OPEN).returning(*_COLUMNS)
_TELLS = update(tasks).where(_BY_ID).values(delivery=bindparam("by"))
_ONE_LESS = update(batches).where(batches.c.id == bindparam("of")).values(open=batches.c.open - 1).returning(*batches.c)
_LATE = select(tasks.c.id).where(_OPEN, tasks.c.created_at < bindparam("before")).limit(SWEEP)
_OLD = select(tasks.c.id).where(tasks.c.ended_at < bindparam("before")).limit(SWEEP)
_BUSY = select(exists().where(_OPEN) | exists().where(tasks.c.ended_at > bindparam("since")))
_EMPTY = batches.c.created_at < bindparam("before"), ~select(tasks.c.id).where(tasks.c.batch == batches.c.id).exists()


def add(connection: Connection, task: Task) -> Task:
    """Put a task at the end of its queue. → it, with its turn.

    Turns go up by one from an account's task to its next, and begin at that of who is served now: so accounts take
    turns however much each has ordered, and none waits for ever (start-time fair queueing: Goyal, Vin and Cheng, 1996).
    An account's single tasks go before those of its batches.
    """
    return add_all(connection, [task])[0]


def add_all(connection: Connection, new: Sequence[Task]) -> list[Task]:
    """`add` for several, in their order."""
    added: list[Task] = []
    last: dict[tuple[str, str, bool], int] = {}
    for task in new:
        queue = task.model, task.account, task.batch is not None
        last[queue] = last[queue] + 1 if queue in last else _next_turn(connection, task)
        added.append(replace(task, turn=last[queue]))
    keep(connection, added)
    return added


def _next_turn(connection: Connection, task: Task) -> int:
    served = connection.scalar(_IN_QUEUE, {"of": task.model}) or 1
    mine = connection.scalar(_MINE if task.batch else _MY_SINGLES, {"of": task.model, "mine": task.account}) or 0
    return max(served, mine + 1)


def keep(connection: Connection, new: Sequence[Task]) -> None:
    """Keep tasks as they are, in no queue."""
    if new:
        connection.execute(insert(tasks), [asdict(task) for task in new])


def open_batch(connection: Connection, batch: Batch) -> None:
    connection.execute(insert(batches), asdict(batch))


def get(connection: Connection, task: str) -> Task | None:
    row = connection.execute(_GET, {"task": task}).one_or_none()
    return Task(*row) if row else None


def segments(connection: Connection, task: str) -> str | None:
    """What was said when, JSON; None if it has not completed."""
    return connection.scalar(_SEGMENTS, {"task": task})


def of_batch(connection: Connection, batch: str) -> list[Task]:
    """In their order."""
    return [Task(*row) for row in connection.execute(_OF_BATCH, {"of": batch})]


def begin(connection: Connection, task: str, node: str) -> Task | None:
    """A server sets out to do it. → it; None if it has ended. Two may: the first to end it wins."""
    row = connection.execute(_BEGIN, {"task": task, "by": node, "now": time.time()}).one_or_none()
    return Task(*row) if row else None


def reach(connection: Connection, task: str, progress: float) -> bool:
    """It has come so far, 0 to 1. → whether it is still wanted."""
    return connection.scalar(_REACH, {"task": task, "reached": progress}) is not None


def end(connection: Connection, task: str, state: str, **facts: object) -> Task | None:
    """It has ended so. → it; None if it had ended before, and nothing is changed. facts: other columns."""
    ended: Mapping[str, object] = {"state": state, "ended_at": time.time(), **facts}
    row = connection.execute(_END.values(**ended), {"task": task}).one_or_none()
    return Task(*row) if row else None


def one_less(connection: Connection, batch: str) -> Batch:
    """One more of its tasks has ended. Who ends the last one sees `open` 0; of servers at once, one does."""
    return Batch(*connection.execute(_ONE_LESS, {"of": batch}).one())


def tells(connection: Connection, task: str, delivery: str) -> None:
    """Whoever did the task sees the delivery through."""
    connection.execute(_TELLS, {"task": task, "by": delivery})


def late(connection: Connection, before: float) -> list[str]:
    """Tasks made before a Unix time that have not ended."""
    return list(connection.scalars(_LATE, {"before": before}))


def busy(connection: Connection, since: float) -> bool:
    """Whether there is a task that has not ended, or has since a Unix time."""
    return bool(connection.scalar(_BUSY, {"since": since}))


def purge(connection: Connection, before: float) -> list[str]:
    """Forget tasks that ended before a Unix time. → their ids."""
    old = list(connection.scalars(_OLD, {"before": before}))
    connection.execute(delete(tasks).where(tasks.c.id.in_(old)))
    connection.execute(delete(batches).where(*_EMPTY), {"before": before})
    return old
