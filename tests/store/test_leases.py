"""Servers that die, lose answers and come back, in any order: a job is always free, or held by one that lives."""

import itertools
from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import Row, create_engine, select

from ttsai_server.store import job_claims, jobs
from ttsai_server.store.job_claims import LEASES
from ttsai_server.store.jobs import CANCELLED, COMPLETED, Job
from ttsai_server.store.leases import Holder
from ttsai_server.store.tables import accounts, metadata
from ttsai_server.store.tables import jobs as table

LEASE = 30.0
NODES = st.sampled_from("abc")
MODELS = st.sampled_from(["tone", "kokoro"])


class Process:
    """A server, and what it knows: the database may know more, as when an answer was lost."""

    def __init__(self, node: str) -> None:
        self.holder = Holder.of(node, LEASE)
        self.running = dict[str, Job]()


class Servers(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.engine = create_engine("sqlite://")  # in memory
        metadata.create_all(self.engine)
        self.connection = self.engine.connect()
        account = {"id": "ann", "name": "Ann", "plan": "pro", "available": 0, "reserved": 0, "created_at": 0.0}
        self.connection.execute(accounts.insert(), account)
        self.now = 1_000_000.0
        self.alive = dict[str, Process]()
        self.ids = map("job_{:03}".format, itertools.count())
        self.ended = list[str]()

    @rule(model=MODELS)
    def accept(self, model: str) -> None:
        job = Job(next(self.ids), "ann", "pro", "tts", model, "{}", "speech.mp3", "http://a", created_at=self.now)
        jobs.add(self.connection, job)

    @rule(node=NODES)
    def start(self, node: str) -> None:
        """Or crash, and start again."""
        LEASES.release(self.connection, node)
        self.alive[node] = Process(node)

    @rule(node=NODES)
    def die(self, node: str) -> None:
        self.alive.pop(node, None)

    @rule(node=NODES)
    def stop(self, node: str) -> None:
        if process := self.alive.pop(node, None):
            LEASES.hand_back(self.connection, process.holder)

    @rule(node=NODES, lost=st.booleans())
    def claim(self, node: str, lost: bool) -> None:
        if process := self.alive.get(node):
            claimed = job_claims.claim(self.connection, process.holder, list(process.running.values()), 2, self.now)
            assert not {job.id for job in claimed} & set(process.running)
            if not lost:
                process.running |= {job.id: job for job in claimed}

    @rule(node=NODES, lost=st.booleans())
    def renew(self, node: str, lost: bool) -> None:
        if process := self.alive.get(node):
            held = LEASES.renew(self.connection, process.holder, list(process.running), self.now)
            if not lost:
                process.running = {id: job for id, job in process.running.items() if id in held}

    @rule(node=NODES, done=st.booleans())
    def leave_off(self, node: str, done: bool) -> None:
        """The work on a job comes to its end, or breaks off as it can't tell the database so."""
        if (process := self.alive.get(node)) and process.running:
            id, _ = process.running.popitem()
            if done and jobs.end(self.connection, id, COMPLETED):
                self.ended.append(id)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if open_ := self.open_jobs():
            id = data.draw(st.sampled_from([row.id for row in open_]))
            assert jobs.end(self.connection, id, CANCELLED)
            self.ended.append(id)

    @rule(seconds=st.sampled_from([1.0, LEASE / 5, LEASE + 1]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def an_open_job_is_free_or_its_lease_ends(self) -> None:
        for job in self.open_jobs():
            assert job.lease_until is None or job.lease_until <= self.now + LEASE
            assert (job.lease_until is None) == (job.holder is None)
            assert job.attempts > 0 or job.holder is None, "a job that was never begun is held by nobody"

    @invariant()
    def a_job_ends_once(self) -> None:
        assert len(self.ended) == len(set(self.ended))

    def open_jobs(self) -> Sequence[Row[str, str | None, float | None, int]]:
        columns = select(table.c.id, table.c.holder, table.c.lease_until, table.c.attempts)
        return self.connection.execute(columns.where(table.c.ended_at.is_(None)).order_by(table.c.id)).all()

    def teardown(self) -> None:
        """Whatever came before: one server that lives does all that is left, a lease's time later."""
        self.now += LEASE + 1
        last = Holder.of("last", LEASE)
        for _ in range(len(self.open_jobs())):
            for job in job_claims.claim(self.connection, last, [], 2, self.now):
                assert jobs.end(self.connection, job.id, COMPLETED)
        assert self.open_jobs() == []
        self.connection.close()
        self.engine.dispose()


TestServers = Servers.TestCase
TestServers.settings = settings(max_examples=60, stateful_step_count=40)
