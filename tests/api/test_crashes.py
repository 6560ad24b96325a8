"""Models that crash, hang or grow: the server keeps answering, its credits stay exact, and it stops in time."""

import json
import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from tests.jobs.serving import Server, serving
from tests.runtime.misbehaving import CRASHES

from ttsai_server.settings import Settings

pytestmark = pytest.mark.service

NEXT_SECONDS = 10
"""How long the next answer may take after a crash."""
CARD = """
id = "{id}"
name = "Misbehaving"
tasks = ["tts"]
tier = "free"
engine = "tests.runtime.misbehaving:Misbehaving"
licence = "Apache-2.0"
languages = ["en"]
rate = 24000
voices = [{{ id = "{id}_a", name = "A", language = "en", gender = "neutral" }}]

[previews]
en = "Hello."
"""
SETTINGS = {"models__restart_seconds": "1", "jobs__attempts": "2", "models__preload": '["steady"]'}


def write_cards(folder: Path) -> Path:
    folder.mkdir()
    for card in Settings().models.cards.glob("*.toml"):
        (folder / card.name).symlink_to(card)
    for id in ("bad", "steady"):
        (folder / f"{id}.toml").write_text(CARD.format(id=id))
    return folder


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cards(tmp_path_factory.mktemp("cards") / "cards")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, cards: Path) -> Generator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, folder / "log", {**SETTINGS, "models__cards": str(cards)}) as running:
        yield running


@pytest.fixture
def client(server: Server) -> Generator[httpx.Client]:
    with client_of(server) as client:
        yield client


def client_of(server: Server) -> httpx.Client:
    return httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.key}"}, timeout=60)


def order(text: str, model: str = "bad", **more: Any) -> dict[str, Any]:
    return {"model": model, "voice": f"{model}_a", "text": text, "format": "wav", **more}


def say(client: httpx.Client, text: str, **more: Any) -> httpx.Response:
    return client.post("/v1/tts/", json=order(text, **more), headers={"Prefer": "respond-sync"})


def credits_of(client: httpx.Client) -> tuple[int, int]:
    account = client.get("/v1/account/").raise_for_status().json()
    return account["credits"], account["reserved"]


@dataclass
class Watch:
    """Polls /health/live continuously."""

    url: str
    answers: list[int] = field(default_factory=list[int])
    _over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self._over.wait(0.01):
            self.answers.append(httpx.get(f"{self.url}/health/live", timeout=60).status_code)

    @contextmanager
    def watching(self) -> Generator[None]:
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()


def next_answer(client: httpx.Client) -> float:
    """Seconds until the crashed model speaks again."""
    began = time.monotonic()
    while (answer := say(client, "ordinary")).status_code != 200:
        assert answer.status_code == 503
        assert time.monotonic() < began + NEXT_SECONDS
        time.sleep(min(1.0, float(answer.headers["Retry-After"])))
    return time.monotonic() - began


@pytest.mark.parametrize("crash", CRASHES)
def test_a_crash_is_503_and_costs_nothing_and_the_next_request_is_answered(
    server: Server, client: httpx.Client, crash: str
) -> None:
    next_answer(client)
    before, watch = credits_of(client), Watch(server.url)
    with watch.watching():
        answer = say(client, crash)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "model_loading")
        assert int(answer.headers["Retry-After"]) >= 1
        assert credits_of(client) == before
        assert next_answer(client) < NEXT_SECONDS
    assert watch.answers
    assert set(watch.answers) == {200}


def test_a_stream_that_a_crash_cuts_off_is_seen_to_be_broken_and_costs_nothing(client: httpx.Client) -> None:
    next_answer(client)
    before = credits_of(client)
    with client.stream("POST", "/v1/tts/", json=order("kill", stream=True)) as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            answer.read()
    assert credits_of(client) == before


def test_a_gigabyte_that_a_step_allocates_is_not_the_servers(server: Server, client: httpx.Client) -> None:
    before = psutil.Process(server.process.pid).memory_info().rss
    next_answer(client)
    assert say(client, "grow").status_code == 200
    assert psutil.Process(server.process.pid).memory_info().rss < before + (200 << 20)


def test_a_job_that_crashes_its_model_fails_alone_and_costs_nothing(client: httpx.Client) -> None:
    next_answer(client)
    before, _ = credits_of(client)
    texts = ("segfault", "ordinary", "ordinary", "ordinary")
    jobs = [client.post("/v1/tts/", json={**order(text), "async": True}).raise_for_status().json() for text in texts]
    states = [until_ended(client, job["uuid"])["status"] for job in jobs]
    assert states == ["failed", "completed", "completed", "completed"]
    after, reserved = credits_of(client)
    assert (before - after, reserved) == (3, 0)


def until_ended(client: httpx.Client, uuid: str) -> dict[str, Any]:
    deadline = time.monotonic() + 90
    while (job := client.get(f"/v1/tasks/{uuid}").raise_for_status().json())["status"] not in {"completed", "failed"}:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return job


def models_processes(server: Server) -> list[psutil.Process]:
    return [child for child in psutil.Process(server.process.pid).children() if "worker" in " ".join(child.cmdline())]


def until_ready(server: Server, *, ready: bool) -> None:
    deadline = time.monotonic() + 30
    while (httpx.get(f"{server.url}/health/ready").status_code == 200) != ready:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_preloaded_model_that_dies_is_not_ready_until_it_is_loaded_again_unasked(server: Server) -> None:
    until_ready(server, ready=True)
    before = models_processes(server)
    for process in before:
        process.send_signal(signal.SIGKILL)
    until_ready(server, ready=False)
    until_ready(server, ready=True)
    assert set(models_processes(server)) - set(before)


def test_a_preloaded_model_that_cant_be_loaded_is_logged_once(cards: Path, tmp_path: Path) -> None:
    settings = {"models__cards": str(cards), "models__dir": str(tmp_path), "models__preload": '["kokoro", "steady"]'}
    with serving(tmp_path, tmp_path / "log", settings) as server:
        while "steady" in httpx.get(f"{server.url}/health/ready").json()["waiting_for"]:
            time.sleep(0.05)
        server.stop()
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert len([line for line in lines if "kokoro" in line["message"]]) == 1


@pytest.mark.parametrize("processes", ["true", "false"])
def test_a_stop_is_obeyed_though_a_step_hangs(cards: Path, tmp_path: Path, processes: str) -> None:
    settings = {"models__cards": str(cards), "models__processes": processes, "server__shutdown_seconds": "3"}
    with serving(tmp_path, tmp_path / "log", settings) as server, client_of(server) as client:
        assert say(client, "ordinary").status_code == 200

        def hang() -> None:
            with suppress(httpx.HTTPError):
                say(client, "hang")

        request = threading.Thread(target=hang)
        request.start()
        time.sleep(0.5)
        children = models_processes(server)
        server.stop()
        request.join()
        _, alive = psutil.wait_procs(children, timeout=60)
        assert not alive
