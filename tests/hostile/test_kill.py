"""A server that is killed in the middle of a request: its repeat is done at once, and no credits stay reserved."""

import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from tests.jobs.serving import serving

pytestmark = pytest.mark.service

TONE = {"model": "tone", "voice": "tone_a", "text": "A sentence. " * 8, "format": "wav"}
SLOW = {"models__demo": "true", "models__options": '{"tone": {"step_seconds": 3600, "steps": 2}}'}
QUICK = {"models__demo": "true"}
KEY = {"Idempotency-Key": "the same"}


def speak(url: str, key: str) -> httpx.Response:
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as client:
        return client.post("/v1/tts/", json=TONE, headers=KEY)


def begin(url: str, key: str) -> None:
    with suppress(httpx.TransportError):
        speak(url, key)


def account(url: str, key: str) -> dict[str, int]:
    return httpx.get(f"{url}/v1/account/", headers={"Authorization": f"Bearer {key}"}).raise_for_status().json()


def test_the_repeat_of_a_request_that_died_is_done_at_once_and_paid_once(tmp_path: Path) -> None:
    with serving(tmp_path, tmp_path / "log", SLOW) as server:
        key, before = server.key, account(server.url, server.key)
        request = threading.Thread(target=begin, args=(server.url, key))
        request.start()
        while not account(server.url, key)["reserved"]:
            time.sleep(0.05)
        server.kill()
        request.join()
    with serving(tmp_path, tmp_path / "log", QUICK) as server:
        answer = speak(server.url, key)
        assert answer.status_code == 200
        assert speak(server.url, key).headers["Idempotent-Replayed"] == "true"
        while (after := account(server.url, key))["reserved"]:
            time.sleep(0.05)
        spent = before["credits"] - after["credits"]
        assert spent == int(answer.headers["X-Credits-Used"])
