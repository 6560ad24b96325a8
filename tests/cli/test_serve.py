"""The command `serve`, in a separate process."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.listening import Ear, wer

pytestmark = pytest.mark.service

TONE = {"model": "tone", "voice": "tone_a"}
COMMAND = [sys.executable, "-m", "ttsai_server"]


class Running:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said = ""
        assert process.stdout
        while not (found := re.search(r"Listening on (\S+)(?s:.+)/docs", self.said)):
            line = process.stdout.readline()
            assert line, "the server ended"
            self.said += line
        self.url = found[1]

    @property
    def key(self) -> str:
        found = re.search(r"sk-tts-\w+", self.said)
        assert found
        return found[0]

    def stop(self) -> str:
        """Send SIGTERM and wait. → its log."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=120)[1]


@contextmanager
def serve(data_dir: Path, *through: str, **environment: str) -> Generator[Running]:
    """through: a command prefix that runs the server."""
    settings = {"TTSAI_SERVER__MODELS__DEMO": "true", "PYTHONUNBUFFERED": "1", **environment}
    process = subprocess.Popen(
        [*through, *COMMAND, "--data-dir", str(data_dir), "serve", "--port", "0"],
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Running(process)
    finally:
        process.kill()
        process.communicate()


def ttsai(data_dir: Path, *words: str) -> str:
    return subprocess.run(
        [*COMMAND, "--data-dir", str(data_dir), *words], capture_output=True, text=True, check=True
    ).stdout


@dataclass
class Stopped:
    """A server that has answered requests, and was stopped."""

    data_dir: Path
    key: str
    status: int
    """Of the answer to a request with the key."""
    log: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.splitlines()]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of `running`."""
    return tmp_path_factory.mktemp("running")


@pytest.fixture(scope="module")
def running(data_dir: Path) -> Iterator[Running]:
    with serve(data_dir) as running:
        yield running


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    folder = tmp_path_factory.mktemp("stopped")
    with serve(folder) as running:
        headers = {"Authorization": f"Bearer {running.key}"}
        asked = {**TONE, "text": "my secret words"}
        statuses = [
            httpx.post(f"{running.url}/v1/tts/", json={**asked, "speed": speed}, headers=headers).status_code
            for speed in (1, 9)
        ]
        assert (folder / "server.json").exists()
        return Stopped(folder, running.key, statuses[0], running.stop())


def test_the_key_of_the_first_start_works(stopped: Stopped) -> None:
    assert stopped.status == 200


def test_a_later_start_prints_no_key(stopped: Stopped) -> None:
    with serve(stopped.data_dir) as second:
        second.stop()
        assert "sk-tts-" not in second.said


def test_the_curl_line_of_the_first_start_works_as_it_is(tmp_path: Path, kokoro_weights: Path, ear: Ear) -> None:
    with serve(tmp_path / "data", TTSAI_SERVER__MODELS__DIR=str(kokoro_weights.parent)) as running:
        example = running.said[running.said.index("curl") : running.said.index("In a browser")]
        subprocess.run(example, shell=True, check=True, cwd=tmp_path)
    assert wer("Hello to you all.", ear.listen((tmp_path / "hello.mp3").read_bytes())) <= 0.25


def test_the_first_start_ends_with_what_a_newcomer_needs_in_80_columns(running: Running) -> None:
    said = running.said.strip().splitlines()
    places = [next(n for n, line in enumerate(said) if word in line) for word in (running.key, "Listening", "curl")]
    assert places == sorted(places)
    assert said[-2:] == [f"In a browser: {running.url}/console/", f"All that it does: {running.url}/docs"]
    assert max(map(len, said)) <= 80


def test_without_keys_the_curl_line_has_none(tmp_path: Path) -> None:
    with serve(tmp_path, TTSAI_SERVER__AUTH__ENABLED="false") as running:
        assert "curl" in running.said
        assert "Authorization" not in running.said


def test_the_key_is_told_although_the_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = ["--data-dir", str(tmp_path), "serve", "--port", str(taken.getsockname()[1])]
        done = subprocess.run([*COMMAND, *words], capture_output=True, text=True)
    assert done.returncode
    assert "sk-tts-" in done.stdout
    assert "address already in use" in done.stderr


def test_other_peoples_loggers_speak_from_warning_on(stopped: Stopped) -> None:
    assert {line["logger"].split(".")[0] for line in stopped.lines if line["level"] == "info"} == {"ttsai_server"}


def test_a_running_server_honours_a_new_key_at_once_and_a_revoked_one_no_more(running: Running, data_dir: Path) -> None:
    made = json.loads(ttsai(data_dir, "keys", "create", "--plan", "pro", "--credits", "7", "--json"))
    headers = {"Authorization": f"Bearer {made['key']}"}
    answer = httpx.post(f"{running.url}/v1/tts/", json={**TONE, "text": "la"}, headers=headers)
    assert (answer.status_code, answer.headers["X-Credits-Remaining"]) == (200, "6")
    ttsai(data_dir, "keys", "revoke", made["id"])
    until_forgotten = threading.Event()
    until_forgotten.wait(1.1)
    assert httpx.get(f"{running.url}/v1/models/", headers=headers).status_code == 401


def test_the_log_has_neither_keys_nor_texts(stopped: Stopped) -> None:
    assert any(line.get("status") == 200 and line["request_id"] for line in stopped.lines)
    assert stopped.key not in stopped.log
    assert "secret" not in stopped.log


def test_a_stop_lets_a_running_request_finish(tmp_path: Path) -> None:
    slow = json.dumps({"tone": {"step_seconds": 0.3}})
    with serve(tmp_path, TTSAI_SERVER__MODELS__OPTIONS=slow) as running:
        headers = {"Authorization": f"Bearer {running.key}"}
        body = {**TONE, "text": "One sentence of several. " * 40, "stream": True}
        with httpx.stream("POST", f"{running.url}/v1/tts/", json=body, headers=headers, timeout=120) as answer:
            chunks = answer.iter_raw()
            first = next(chunks)
            running.process.send_signal(signal.SIGTERM)
            assert len(b"".join(chunks)) > len(first)
        assert running.process.wait(timeout=120) == -signal.SIGTERM  # uvicorn stops in order, then lets the signal act


def test_models_are_loaded_and_unloaded_from_the_command_line(running: Running, data_dir: Path) -> None:
    assert json.loads(ttsai(data_dir, "models", "load", "tone", "--json")) == {"model": "tone", "loaded": True}
    assert 'ttsai_model_loaded{model="tone"} 1.0' in httpx.get(f"{running.url}/metrics").text
    assert json.loads(ttsai(data_dir, "models", "unload", "tone", "--json")) == {"model": "tone", "unloaded": True}


@pytest.mark.usefixtures("running")
def test_the_token_of_the_command_line_is_its_owners_and_gone_with_the_server(data_dir: Path, stopped: Stopped) -> None:
    assert (data_dir / "server.json").stat().st_mode & 0o777 == 0o600
    assert not (stopped.data_dir / "server.json").exists()
