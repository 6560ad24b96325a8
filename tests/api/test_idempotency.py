"""A repeated Idempotency-Key."""

import threading
from uuid import uuid4

import httpx
from tests.live import Live

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
