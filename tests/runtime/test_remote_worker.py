"""A worker as a process of its own: it runs models for nodes that have its secret, and answers nobody else."""

import asyncio
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests.jobs.serving import Server, working
from tests.live import Live, live
from tests.runtime.test_remote import NOBODY, SAID, TONE

from ttsai_server.app.parts import NODES
from ttsai_server.runtime.remote import RemoteModel
from ttsai_server.runtime.workers import Workers
from ttsai_server.settings import Models, Settings, Store
from ttsai_server.store.secret_box import SecretBox

pytestmark = pytest.mark.service

SECRET = "a secret that both nodes have, of 32 characters or more"
WORKER = {"models__demo": "true", "store__secret_key": SECRET}
CLIENTS_MAY_SEND = 1000
"""Bytes of a message."""


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("worker")
    with working(
        folder / "data", folder / "log", {**WORKER, "realtime__max_message_bytes": str(CLIENTS_MAY_SEND)}
    ) as running:
        yield running


@contextmanager
def node(folder: Path, *workers: str, secret: str = SECRET) -> Generator[Live]:
    """A node with these workers' models."""
    models = Models(demo=True, workers=workers)
    with live(Settings(data_dir=folder, models=models, store=Store(secret_key=secret))) as running:
        yield running


def known_to(worker: Server) -> Workers:
    token = SecretBox(Settings(store=Store(secret_key=SECRET))).derived(NODES)
    return Workers(Models(workers=(worker.url,)), token)


def model_on(worker: Server) -> RemoteModel:
    return RemoteModel(TONE, known_to(worker))


def test_a_node_without_models_answers_requests_with_those_of_a_worker(
    worker: Server, tmp_path: Path, server: Live
) -> None:
    order = {"model": "tone", "voice": "tone_a", "text": "La la la.", "format": "wav"}
    with node(tmp_path, worker.url) as api:
        answer = api.client().post("/v1/tts/", json=order).raise_for_status()
        assert answer.headers["content-type"] == "audio/wav"
    assert answer.content == server.client().post("/v1/tts/", json=order).content


def test_a_worker_refuses_who_does_not_have_its_secret(worker: Server, tmp_path: Path) -> None:
    with node(tmp_path, worker.url, secret=SECRET[1:]) as api:
        answer = api.client().post("/v1/tts/", json={"model": "tone", "voice": "tone_a", "text": "La la la."})
        assert answer.status_code == 503
        assert "another store.secret_key" in answer.json()["error"]["message"]


def have_loaded(*workers: Server) -> list[bool]:
    """Whether each has the model `tone` in memory."""
    return ['ttsai_model_loaded{model="tone"} 1.0' in httpx.get(f"{each.url}/metrics").text for each in workers]


async def test_an_administrator_loads_and_frees_a_model_on_all_workers(worker: Server, tmp_path: Path) -> None:
    with (
        working(tmp_path / "other", tmp_path / "log", WORKER) as other,
        node(tmp_path / "node", NOBODY, worker.url, other.url) as api,
    ):
        admin = api.client(api.new_key(admin=True)[1])

        def ask(action: str) -> dict[str, object]:
            return admin.post(f"/v1/admin/models/tone/{action}/").raise_for_status().json()

        ask("unload")
        assert ask("load") == {"model": "tone", "loaded": True}
        assert have_loaded(worker, other) == [True, True]

        busy = known_to(worker)
        stream = await busy.connect(TONE)
        assert ask("unload") == {"model": "tone", "unloaded": True}
        assert have_loaded(worker, other) == [True, False]
        assert ask("unload") == {"model": "tone", "unloaded": False}

        await busy.close(stream)
        while not ask("unload")["unloaded"]:  # noqa: ASYNC110 the worker learns soon that the stream has ended
            await asyncio.sleep(0.05)
        assert have_loaded(worker, other) == [False, False]


def test_an_administrator_learns_that_no_worker_answers(tmp_path: Path) -> None:
    with node(tmp_path, NOBODY) as api:
        admin = api.client(api.new_key(admin=True)[1])
        for action in ("load", "unload"):
            answer = admin.post(f"/v1/admin/models/tone/{action}/")
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "model_loading")


async def test_a_worker_that_is_stopped_ends_its_streams(tmp_path: Path) -> None:
    slow = {"models__options": '{"tone": {"step_seconds": 0.5, "steps": 4}}'}
    with working(tmp_path, tmp_path / "log", {**WORKER, **slow}) as worker:
        async with model_on(worker).steps("synthesize", (SAID,)) as next_step:
            assert await next_step()
            worker.process.terminate()
            assert [step.last for step in [await next_step(), await next_step(), await next_step()]][-1]
        await asyncio.to_thread(worker.stop)


async def test_a_worker_takes_what_nodes_send_however_little_clients_may(worker: Server) -> None:
    long = replace(SAID, text="la " * CLIENTS_MAY_SEND)
    async with model_on(worker).steps("synthesize", (long,)) as next_step:
        assert await next_step()


def test_a_worker_answers_no_client(worker: Server) -> None:
    assert httpx.get(f"{worker.url}/health/live").status_code == 200
    assert httpx.get(f"{worker.url}/v1/models/").status_code == 404
    assert "sk-tts-" not in worker.said
