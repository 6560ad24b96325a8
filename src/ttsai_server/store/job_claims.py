"""Jobs as servers take them up; see `leases`. Each function is, or is part of, one transaction."""

from collections import Counter
from collections.abc import Collection

from sqlalchemy import Connection, and_, bindparam, func, literal_column, select, update

from ttsai_server.store.jobs import COLUMNS, OPEN, PROCESSING, Job
from ttsai_server.store.leases import Holder, Leases
from ttsai_server.store.tables import jobs

ALONE = 2
"""A job over which servers have died so often is done with no other beside it."""

BEGUN = and_(OPEN, jobs.c.attempts > literal_column("0"))
"""As the index has it: with a bound 0, neither database would use that."""
LEASES = Leases(jobs, BEGUN, {"attempts": jobs.c.attempts - 1})
"""A process that lives and hands a job back was not broken by it: the attempt does not count."""

_FIRST_MODEL = select(func.min(jobs.c.model).label("model")).where(OPEN).cte("models", recursive=True)
_NEXT_MODEL = select(func.min(jobs.c.model)).where(OPEN, jobs.c.model > _FIRST_MODEL.c.model).scalar_subquery()
_ALL_MODELS = _FIRST_MODEL.union_all(select(_NEXT_MODEL).where(_FIRST_MODEL.c.model.is_not(None)))
_MODELS = select(_ALL_MODELS.c.model).where(_ALL_MODELS.c.model.is_not(None))
"""The models of open jobs: one step in an index each, however many jobs there are."""
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
"""Of the jobs that broke off: the one to repeat next. Those that did so least often come first."""
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
    """Lease jobs, and count an attempt at each. → them, to be begun in this order.

    Of a model the holder does `concurrent` at a time, those with the lowest turns first. running: what it does already.

    When a server dies, any of the jobs that it did may be why. So that a job which kills its servers does not use up
    the attempts of those beside it, a process repeats one such job at a time, and one over which servers have died
    twice with no other job beside it: its further attempts are broken off by itself alone.
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
