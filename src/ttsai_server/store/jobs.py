"""Jobs: the order, its progress, and its outcome.

Each function runs inside a transaction of the caller. A job ends only once: the UPDATE that ends it requires that it
has not ended.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace

from sqlalchemy import Connection, bindparam, delete, func, insert, select, tuple_, update

from ttsai_server.store.tables import batches, jobs

QUEUED = "queued"
PROCESSING = "processing"
COMPLETED = "completed"
FAILED = "failed"
CANCELLED = "cancelled"
SWEEP = 500
"""Jobs that one transaction of the clean-up processes at most."""


@dataclass(frozen=True, slots=True)
class Batch:
    id: str
    account: str
    webhook_url: str | None
    base_url: str
    open: int
    """Number of its jobs that have not ended."""
    created_at: float
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class Job:
    id: str
    """`task_…`: the uuid, job_id and task_id of the contract, and the id of the result."""
    account: str
    plan: str
    """The account's plan when the job was accepted."""
    kind: str
    """tts | stt | convert | enhance | dereverb | separate | analyze."""
    model: str
    """Id of the model, or the job's kind if it needs none. Each model has its own queue."""
    spec: str
    """The order, as JSON."""
    name: str
    """File name of the result."""
    base_url: str
    """The server's address as the client used it; links in answers begin with it."""
    webhook_url: str | None = None
    batch: str | None = None
    number: int = 0
    """Index in its batch, from 0."""
    reservation: str | None = None
    """Id of the credit reservation; None if billing is off."""
    credits: int = 0
    """Credits reserved; charged when the job completes, 0 if it ends otherwise."""
    turn: int = 0
    """Place in the queue, see `add`; 0 if it was never queued."""
    created_at: float = 0.0
    """Unix seconds, like the other times."""
    state: str = QUEUED
    progress: float = 0.0
    """0 to 1."""
    node: str | None = None
    """Name of the server that runs it, or ran it last."""
    attempts: int = 0
    """How often it was started; a start that a living server handed back does not count."""
    started_at: float | None = None
    ended_at: float | None = None
    error_code: str | None = None
    error_message: str | None = None
    language: str | None = None
    """ISO 639-1."""
    seconds: float | None = None
    """Length of the audio generated or transcribed."""
    text: str | None = None
    """The transcript."""
    warnings: Sequence[str] | None = None
    """What the client should know though the work is done."""
    key: str = ""
    """Id of the key with which it was asked for."""
    trace: str | None = None
    """W3C trace context of the request that it comes from; None: that was not traced."""


COLUMNS = [jobs.c[field.name] for field in fields(Job)]
"""All but the lease and the segments, which are megabytes for a long recording."""
_BY_ID = jobs.c.id == bindparam("task")
OPEN = jobs.c.ended_at.is_(None)
_GET = select(*COLUMNS).where(_BY_ID)
_SEGMENTS = select(jobs.c.segments).where(_BY_ID)
_OF_BATCH = select(*COLUMNS).where(jobs.c.batch == bindparam("of")).order_by(jobs.c.number)
_AGE = (jobs.c.created_at, jobs.c.id)
_NEWEST = (
    select(*COLUMNS)
    .where(jobs.c.account == bindparam("of"))
    .order_by(*(column.desc() for column in _AGE))
    .limit(bindparam("limit"))
)
_CURSOR = select(*_AGE).where(jobs.c.id == bindparam("before"), jobs.c.account == bindparam("of"))
_OLDER = _NEWEST.where(tuple_(*_AGE) < _CURSOR.scalar_subquery())
_IN_QUEUE = select(func.min(jobs.c.turn)).where(jobs.c.model == bindparam("of"), OPEN)
_MINE = select(func.max(jobs.c.turn)).where(jobs.c.model == bindparam("of"), OPEN, jobs.c.account == bindparam("mine"))
_MY_SINGLES = _MINE.where(jobs.c.batch.is_(None))
_COUNT = update(jobs).where(_BY_ID, OPEN).values(attempts=jobs.c.attempts + 1).returning(*COLUMNS)
_SET_PROGRESS = update(jobs).where(_BY_ID, OPEN).values(progress=bindparam("reached")).returning(jobs.c.id)
_END = update(jobs).where(_BY_ID, OPEN).returning(*COLUMNS)
_COUNT_ENDED = (
    update(batches).where(batches.c.id == bindparam("of")).values(open=batches.c.open - 1).returning(*batches.c)
)
_OVERDUE = select(jobs.c.id).where(OPEN, jobs.c.created_at < bindparam("before")).limit(SWEEP)
_OLD = select(jobs.c.id).where(jobs.c.ended_at < bindparam("before")).limit(SWEEP)
_EMPTY = batches.c.created_at < bindparam("before"), ~select(jobs.c.id).where(jobs.c.batch == batches.c.id).exists()


def add(connection: Connection, job: Job) -> Job:
    """Append a job to its model's queue. → the job, with its `turn`.

    An account's turns rise by one per job, and start at the lowest turn in the queue: so accounts are served in
    rotation however many jobs each has, and none starves (start-time fair queueing: Goyal, Vin and Cheng, 1996). An
    account's single jobs run before those of its batches.
    """
    return add_all(connection, [job])[0]


def add_all(connection: Connection, new: Sequence[Job]) -> list[Job]:
    """`add` for several jobs, in this order."""
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
    """Insert jobs as they are, without queueing them."""
    if new:
        connection.execute(insert(jobs), [asdict(job) for job in new])


def open_batch(connection: Connection, batch: Batch) -> None:
    connection.execute(insert(batches), asdict(batch))


def get(connection: Connection, job: str) -> Job | None:
    row = connection.execute(_GET, {"task": job}).one_or_none()
    return Job(*row) if row else None


def segments(connection: Connection, job: str) -> str | None:
    """The transcript's segments with their times, as JSON; None if the job has not completed."""
    return connection.scalar(_SEGMENTS, {"task": job})


def of_batch(connection: Connection, batch: str) -> list[Job]:
    """The jobs of a batch, by their index."""
    return [Job(*row) for row in connection.execute(_OF_BATCH, {"of": batch})]


def of_account(connection: Connection, account: str, limit: int, before: str | None) -> list[Job]:
    """An account's jobs, newest first, at most `limit`; with `before`, a job's id, only those older than it."""
    values: dict[str, object] = {"of": account, "limit": limit}
    query, values = (_NEWEST, values) if before is None else (_OLDER, {**values, "before": before})
    return [Job(*row) for row in connection.execute(query, values)]


def count_attempt(connection: Connection, job: str) -> Job | None:
    """Count one more start, after its model's process crashed. → the job; None if it has ended."""
    row = connection.execute(_COUNT, {"task": job}).one_or_none()
    return Job(*row) if row else None


def set_progress(connection: Connection, job: str, progress: float) -> bool:
    """Store the progress, 0 to 1. → False if the job has ended, so that its work can stop."""
    return connection.scalar(_SET_PROGRESS, {"task": job, "reached": progress}) is not None


def end(connection: Connection, job: str, state: str, **facts: object) -> Job | None:
    """End the job in `state` and set the columns `facts`. → the job; None, with no change, if it had ended before."""
    ended: Mapping[str, object] = {"state": state, "ended_at": time.time(), **facts}
    row = connection.execute(_END.values(**ended), {"task": job}).one_or_none()
    return Job(*row) if row else None


def forget_orders(connection: Connection, account: str, text: str) -> list[tuple[str, str]]:
    """Empty the orders of the account's ended jobs that contain a text. → ids and names of their results."""
    mentions = (jobs.c.account == account, ~OPEN, jobs.c.spec.contains(text, autoescape=True))
    emptied = update(jobs).where(*mentions).values(spec="{}").returning(jobs.c.id, jobs.c.name)
    return [(id, name) for id, name in connection.execute(emptied)]


def count_ended(connection: Connection, batch: str) -> Batch:
    """Count one more ended job of the batch. → the batch; exactly one caller gets `open` == 0, for the last job."""
    return Batch(*connection.execute(_COUNT_ENDED, {"of": batch}).one())


def overdue(connection: Connection, before: float) -> list[str]:
    """Ids of jobs created before a Unix time that have not ended; at most `SWEEP`."""
    return list(connection.scalars(_OVERDUE, {"before": before}))


def purge(connection: Connection, before: float) -> list[str]:
    """Delete jobs that ended before a Unix time, at most `SWEEP`. → their ids."""
    old = list(connection.scalars(_OLD, {"before": before}))
    connection.execute(delete(jobs).where(jobs.c.id.in_(old)))
    connection.execute(delete(batches).where(*_EMPTY), {"before": before})
    return old
