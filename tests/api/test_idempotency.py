"""A repeated Idempotency-Key."""

import threading
from pathlib import Path
from uuid import uuid4

import httpx
import numpy as np
import pytest
from starlette.types import Message
from tests.live import Live

from ttsai_server.api.idempotency import Fingerprint
from ttsai_server.app.parts import LOCAL_CALLER
from ttsai_server.audio.encode import Encoder

TONE = {"model": "tone", "voice": "tone_a", "text": "la la la"}


def post(client: httpx.Client, key: str, **changes: object) -> httpx.Response:
    return client.post("/v1/tts/", json={**TONE, **changes}, headers={"Idempotency-Key": key})


def test_a_repeat_gets_the_same_answer_and_is_billed_once(server: Live) -> None:
    account, key = server.new_key(credits=10)
    with server.client(key) as client:
        first, second = post(client, "a"), post(client, "a")
    assert first.content == second.content
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["X-Credits-Used"] == first.headers["X-Credits-Used"] == "1"
    assert server.account(account).available == 9


def test_a_streamed_answer_is_repeated_whole(server: Live) -> None:
    account, key = server.new_key(credits=10)
    with server.client(key) as client:
        first, second = post(client, "a", stream=True), post(client, "a", stream=True)
    assert first.content == second.content
    assert server.account(account).available == 9


def test_an_answer_that_is_deleted_while_it_is_asked_for_is_503(server: Live) -> None:
    account, key = server.new_key(credits=10)
    kept = server.settings.data_dir / "answers"
    before = set(kept.glob("*"))
    with server.client(key) as client:
        post(client, "a")
        for body in set(kept.glob("*")) - before:
            body.unlink()
        answer = post(client, "a")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "model_loading")
    assert answer.headers["Retry-After"]
    assert server.account(account).available == 9


def test_two_at_once_are_done_once(server: Live) -> None:
    account, key = server.new_key(credits=10)
    answers: list[bytes] = []
    with server.client(key) as client:
        threads = [threading.Thread(target=lambda: answers.append(post(client, "a").content)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers[0] == answers[1]
    assert server.account(account).available == 9


def test_another_body_under_the_same_key_is_400(server: Live) -> None:
    account, key = server.new_key(credits=10)
    with server.client(key) as client:
        post(client, "a")
        answer = post(client, "a", text="another text")
    assert answer.status_code == 400
    assert server.account(account).available == 9


OTHER_FORMS: dict[str, dict[str, str]] = {
    "/api/v1/tts/": {},
    "/v1/tts": {"Accept": "application/json"},
    "/v1/tts/": {"Prefer": "respond-async"},
    "/v1/tts//": {"User-Agent": "tts-ruby/1.0"},
}


@pytest.mark.parametrize("path", OTHER_FORMS)
def test_the_key_of_a_sound_is_no_key_to_a_job(server: Live, path: str) -> None:
    _, key = server.new_key(credits=10)
    with server.client(key) as client:
        post(client, "a")
        answer = client.post(path, json=TONE, headers={"Idempotency-Key": "a", **OTHER_FORMS[path]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


def test_another_spelling_of_the_path_is_the_same_request(server: Live) -> None:
    _, key = server.new_key(credits=10)
    with server.client(key) as client:
        post(client, "a")
        answer = client.post("/v1/tts", json=TONE, headers={"Idempotency-Key": "a", "Accept": "audio/*"})
    assert answer.headers["Idempotent-Replayed"] == "true"


def test_a_failed_request_may_be_repeated(server: Live) -> None:
    _, key = server.new_key(credits=10)
    with server.client(key) as client:
        assert post(client, "a", voice="nobody").status_code == 404
        assert post(client, "a").status_code == 200


def test_keys_of_two_accounts_do_not_meet(server: Live) -> None:
    shared = uuid4().hex
    for _ in range(2):
        account, key = server.new_key(credits=10)
        with server.client(key) as client:
            assert "Idempotent-Replayed" not in post(client, shared).headers
        assert server.account(account).available == 9


def test_a_key_that_is_too_long_is_400(server: Live) -> None:
    assert post(server.client(), "k" * 256).status_code == 400


async def fingerprint(body: bytes, boundary: str, piece: int) -> str:
    """The fingerprint of a form that arrives `piece` bytes at a time."""
    pieces = [body[begin : begin + piece] for begin in range(0, len(body), piece)]

    async def receive() -> Message:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    head = f"multipart/form-data; boundary={boundary}".encode()
    fingerprint = Fingerprint(
        {"path": "/v1/stt", "headers": [(b"content-type", head)], "state": {"caller": LOCAL_CALLER}}, receive
    )
    await fingerprint.rest()
    return fingerprint.hex


@pytest.mark.parametrize("piece", [1, 7, 1000])
async def test_a_form_is_the_same_whatever_its_boundary_and_however_it_is_cut(piece: int) -> None:
    def form(boundary: str, value: str) -> bytes:
        return f'--{boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n{value}\r\n--{boundary}--\r\n'.encode()

    first = await fingerprint(form("aab", "1"), "aab", 1000)
    assert await fingerprint(form("another", "1"), "another", piece) == first
    assert await fingerprint(form("another", "2"), "another", piece) != first


def test_a_repeated_upload_gets_the_same_answer(server: Live, tiny_weights: Path) -> None:
    account, key = server.new_key(credits=10)
    sound = Encoder("flac", 16_000)
    file = sound.push(np.zeros((16_000, 1), np.float32)) + sound.finish()

    def send(sound: bytes) -> httpx.Response:  # with a boundary of its own each time
        headers, form = {"Idempotency-Key": "a"}, {"model": "whisper-tiny.en"}
        return server.client(key).post("/v1/stt/", files={"file": sound}, data=form, headers=headers)

    first, second = send(file), send(file)
    assert (second.status_code, second.content) == (200, first.content)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert send(file + b"1").status_code == 400
    assert server.account(account).available == 8
