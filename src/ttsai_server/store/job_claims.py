"""How servers claim jobs; see `leases`. Each function runs inside a transaction of the caller."""

from collections import Counter
from collections.abc import Collection

from sqlalchemy import Connection, and_, bindparam, func, literal_column, select, update

from ttsai_server.store.jobs import COLUMNS, OPEN, PROCESSING, Job
from ttsai_server.store.leases import Holder, Leases
from ttsai_server.store.tables import jobs

ALONE = 2
"""A job that was interrupted this often by a server's death runs with no other job beside it."""

BEGUN = and_(OPEN, jobs.c.attempts > literal_column("0"))
"""Has been started at least once. 0 is a literal, as in the partial index: neither database would use the index for a
bound parameter."""
LEASES = Leases(jobs, BEGUN, {"attempts": jobs.c.attempts - 1})
"""A process that is alive and hands a job back was not crashed by it, so the attempt does not count."""

_FIRST_MODEL = select(func.min(jobs.c.model).label("model")).where(OPEN).cte("models", recursive=True)
_NEXT_MODEL = select(func.min(jobs.c.model)).where(OPEN, jobs.c.model > _FIRST_MODEL.c.model).scalar_subquery()
_ALL_MODELS = _FIRST_MODEL.union_all(select(_NEXT_MODEL).where(_FIRST_MODEL.c.model.is_not(None)))
_MODELS = select(_ALL_MODELS.c.model).where(_ALL_MODELS.c.model.is_not(None))
"""The models of open jobs: one index lookup per model, however many jobs there are (a loose index scan)."""
_ORDER = (jobs.c.turn, jobs.c.created_at, jobs.c.number)
_FRESH = (
    select(jobs.c.id)
    .where(OPEN, jobs.c.model == bindparam("of"), jobs.c.attempts == 0)
    .order_by(*_ORDER)
    .limit(bindparam("room"))
    .with_for_update(skip_locked=True)
)
_BROKEN = (
    select(*COLUMNS)
    .where(BEGUN, LEASES.is_free(bindparam("now")))
    .where(jobs.c.model.not_in(bindparam("full", expanding=True)))
    .where(jobs.c.id.not_in(bindparam("running", expanding=True)))
    .order_by(jobs.c.attempts, *_ORDER)
    .limit(1)
    .with_for_update(skip_locked=True)
)
"""The interrupted job to repeat next: the one with the fewest attempts."""
_BEGIN = (
    update(jobs)
    .where(jobs.c.id.in_(bindparam("ids", expanding=True)))
    .values(
        state=PROCESSING,
        node=bindparam("by"),
        holder=bindparam("process"),
        lease_until=bindparam("until"),
        attempts=jobs.c.attempts + 1,
        started_at=func.coalesce(jobs.c.started_at, bindparam("now")),
    )
    .returning(*COLUMNS)
)


def claim(connection: Connection, holder: Holder, running: Collection[Job], concurrent: int, now: float) -> list[Job]:
    """Lease jobs, and count one attempt for each. → those jobs, in the order to start them: lowest turn first.

    When a server dies, any of the jobs it was running may be the cause. So that a job which crashes its servers does
    not use up the attempts of the jobs beside it, a process repeats one interrupted job at a time, and a job that was
    interrupted twice runs alone: from then on only the job itself can be the cause.

    Args:
        running: the jobs that the holder already works on.
        concurrent: how many jobs of one model it may run at the same time.
        now: Unix seconds.
    """
    ids = _next(connection, running, concurrent, now)
    if not ids:
        return []
    begun = {"ids": ids, "by": holder.node, "process": holder.process, "until": now + holder.seconds, "now": now}
    return sorted((Job(*row) for row in connection.execute(_BEGIN, begun)), key=lambda job: ids.index(job.id))


def _next(connection: Connection, running: Collection[Job], concurrent: int, now: float) -> list[str]:
    if any(job.attempts > ALONE for job in running):
        return []
    models, ids = Counter(job.model for job in running), list[str]()
    if all(job.attempts <= 1 for job in running):
        full = [model for model, count in models.items() if count >= concurrent]
        values = {"now": now, "full": full, "running": [job.id for job in running]}
        if row := connection.execute(_BROKEN, values).one_or_none():
            broken = Job(*row)
            if broken.attempts >= ALONE:
                return [] if running else [broken.id]
            ids.append(broken.id)
            models[broken.model] += 1
    for model in connection.scalars(_MODELS).all():
        if (room := concurrent - models[model]) > 0:
            ids += connection.scalars(_FRESH, {"of": model, "room": room})
    return ids
