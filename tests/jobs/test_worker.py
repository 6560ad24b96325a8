"""The worker of a server: stopped during work, and one worker for several servers."""

import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.jobs.serving import Server, serving
from tests.live import live

from ttsai_server.settings import Models, Settings

pytestmark = pytest.mark.service

SLOW = {
    "models__demo": "true",
    "models__options": '{"tone": {"step_seconds": 1, "steps": 3}}',
    "plans__enterprise__requests_per_minute": "100000",
}
ORDER = {"model": "tone", "voice": "tone_a", "text": "Hello.", "async": True}


def client_of(server: Server, key: str) -> httpx.Client:
    return httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {key}"}, timeout=120)


def until(client: httpx.Client, uuid: str, *statuses: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while (body := client.get(f"/v1/tasks/{uuid}").raise_for_status().json())["status"] not in statuses:
        assert time.monotonic() < deadline, f"the task is {body['status']}"
        time.sleep(0.05)
    return body


def test_a_server_that_is_stopped_goes_on_with_its_jobs_at_the_next_start(tmp_path: Path) -> None:
    with serving(tmp_path, tmp_path / "log", SLOW) as server, client_of(server, server.key) as client:
        key = server.key
        uuid = client.post("/v1/tts/", json=ORDER).raise_for_status().json()["uuid"]
        until(client, uuid, "processing")
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 30
    with serving(tmp_path, tmp_path / "log", SLOW) as server, client_of(server, key) as client:
        assert until(client, uuid, "completed", "failed")["status"] == "completed"
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    assert "ERROR" not in log


def test_a_server_that_is_stopped_before_a_full_queue_leaves_it_quietly(tmp_path: Path) -> None:
    quick = {**SLOW, "models__options": "{}"}
    with serving(tmp_path, tmp_path / "log", quick) as server, client_of(server, server.key) as client:
        key = server.key
        ids = [client.post("/v1/tts/", json=ORDER).json()["uuid"] for _ in range(100)]
        server.stop()
    log = (tmp_path / "log").read_text()
    assert "Error" not in log
    assert "Warning" not in log
    with serving(tmp_path, tmp_path / "log", quick) as server, client_of(server, key) as client:
        assert {until(client, id, "completed", "failed")["status"] for id in ids} == {"completed"}


def test_a_job_that_breaks_off_too_often_fails(tmp_path: Path) -> None:
    settings = {**SLOW, "jobs__attempts": "1"}
    with serving(tmp_path, tmp_path / "log", settings) as server, client_of(server, server.key) as client:
        key = server.key
        uuid = client.post("/v1/tts/", json=ORDER).raise_for_status().json()["uuid"]
        until(client, uuid, "processing")
        server.kill()
    with serving(tmp_path, tmp_path / "log", settings) as server, client_of(server, key) as client:
        assert "broke off 1 times" in until(client, uuid, "completed", "failed")["error"]["message"]
        assert client.get("/v1/account/").json()["reserved"] == 0


def test_a_server_that_does_no_jobs_leaves_them_to_another(tmp_path: Path) -> None:
    with live(Settings(data_dir=tmp_path, models=Models(demo=True))) as server:
        key, client = server.key, server.client()
        uuid = client.post("/v1/tts/", json=ORDER).raise_for_status().json()["uuid"]
        time.sleep(1)
        assert client.get(f"/v1/tasks/{uuid}").json()["status"] == "queued"
    with serving(tmp_path, tmp_path / "log", SLOW) as server, client_of(server, key) as client:
        assert until(client, uuid, "completed", "failed")["status"] == "completed"
