"""A worker as a process of its own: it runs models for nodes that have its secret, and answers nobody else."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests.jobs.serving import Server, working
from tests.live import Live, live
from tests.runtime.test_remote import SAID, TONE

from ttsai_server.app.parts import NODES
from ttsai_server.runtime.remote import RemoteModel, Workers
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


def settings_with(worker: Server, folder: Path, secret: str) -> Settings:
    """Of a node that has this worker's models."""
    models = Models(demo=True, workers=(worker.url,))
    return Settings(data_dir=folder, models=models, store=Store(secret_key=secret))


def model_on(worker: Server) -> RemoteModel:
    token = SecretBox(Settings(store=Store(secret_key=SECRET))).derived(NODES)
    return RemoteModel(TONE, Workers(Models(workers=(worker.url,)), token))


def test_a_node_without_models_answers_requests_with_those_of_a_worker(
    worker: Server, tmp_path: Path, server: Live
) -> None:
    order = {"model": "tone", "voice": "tone_a", "text": "La la la.", "format": "wav"}
    with live(settings_with(worker, tmp_path, SECRET)) as api:
        answer = api.client().post("/v1/tts/", json=order).raise_for_status()
        assert answer.headers["content-type"] == "audio/wav"
    assert answer.content == server.client().post("/v1/tts/", json=order).content


def test_a_worker_refuses_who_does_not_have_its_secret(worker: Server, tmp_path: Path) -> None:
    with live(settings_with(worker, tmp_path, SECRET[1:])) as api:
        answer = api.client().post("/v1/tts/", json={"model": "tone", "voice": "tone_a", "text": "La la la."})
        assert answer.status_code == 503
        assert "another store.secret_key" in answer.json()["error"]["message"]


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
