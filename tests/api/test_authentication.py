"""Authentication, rate limits, and the headers of every answer."""

import time

import httpx
import pytest
from tests.live import Live

TONE = {"model": "tone", "voice": "tone_a", "text": "la la la"}


def error(answer: httpx.Response) -> dict[str, object]:
    return answer.json()["error"]


def test_no_key_is_401(server: Live) -> None:
    answer = httpx.get(f"{server.url}/v1/models/")
    assert (answer.status_code, error(answer)["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("key", ["sk-tts-wrong", "sk-tts-" + "a" * 32, "Ünïcode", "Basic abc"])
def test_a_wrong_key_is_401(server: Live, key: str) -> None:
    answer = httpx.get(f"{server.url}/v1/models/", headers=[(b"Authorization", f"Bearer {key}".encode())])
    assert (answer.status_code, error(answer)["code"]) == (401, "unauthorized")


def test_an_expired_key_is_401(server: Live) -> None:
    _, key = server.new_key(expires_at=time.time() - 1)
    assert server.client(key).get("/v1/models/").status_code == 401


def test_a_plan_without_api_is_403(server: Live) -> None:
    _, key = server.new_key(plan="free")
    answer = server.client(key).post("/v1/tts/", json=TONE)
    assert (answer.status_code, error(answer)["code"]) == (403, "forbidden")


def test_an_unknown_path_is_404_in_the_contracts_shape(server: Live) -> None:
    answer = server.client().get("/v1/nothing/")
    assert (answer.status_code, error(answer)["code"]) == (404, "not_found")


def test_a_wrong_method_is_404(server: Live) -> None:
    assert server.client().get("/v1/tts/").status_code == 404


@pytest.mark.parametrize("path", ["/v1/models/", "/v1/nothing/", "/v1/tts/"])
def test_every_answer_to_a_known_caller_carries_the_rate_headers(server: Live, path: str) -> None:
    answer = server.client().get(path)
    assert answer.headers["X-RateLimit-Limit"] == "300"
    assert 0 <= int(answer.headers["X-RateLimit-Remaining"]) < 300
    assert 0 < int(answer.headers["X-RateLimit-Reset"]) - time.time() < 62


def test_over_the_plans_rate_is_429_with_retry_after(server: Live) -> None:
    _, key = server.new_key(plan="pro")
    with server.client(key) as client:
        statuses = [client.get("/v1/models/").status_code for _ in range(61)]
        last = client.get("/v1/models/")
    assert statuses == [200] * 60 + [429]
    assert (error(last)["code"], last.headers["X-RateLimit-Remaining"]) == ("rate_limited", "0")
    assert 0 < int(last.headers["Retry-After"]) <= 61


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/", "/api/v1/models", "/api/v1/models/"])
def test_every_spelling_of_a_path_answers_without_redirect(server: Live, path: str) -> None:
    assert server.client(follow_redirects=False).get(path).status_code == 200


def test_what_a_plan_forbids_is_403_however_often_it_is_asked(server: Live) -> None:
    _, key = server.new_key(plan="free")
    with server.client(key) as client:
        answers = [client.get("/v1/models/") for _ in range(12)]
    assert {answer.status_code for answer in answers} == {403}
    assert answers[-1].headers["X-RateLimit-Remaining"] == "0"


def test_a_given_request_id_comes_back(server: Live) -> None:
    answer = httpx.get(f"{server.url}/health/live", headers={"X-Request-Id": "mine-1"})
    assert answer.headers["X-Request-Id"] == "mine-1"


def test_a_dangerous_request_id_is_replaced(server: Live) -> None:
    answer = httpx.get(f"{server.url}/health/live", headers={"X-Request-Id": "a b\tc"})
    assert len(answer.headers["X-Request-Id"]) == 32


def test_a_browser_may_ask_before_it_sends_a_key(server: Live) -> None:
    answer = httpx.options(
        f"{server.url}/v1/tts/",
        headers={"Origin": "https://page.example", "Access-Control-Request-Method": "POST"},
    )
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_publishable_key_speaks_from_its_own_page_only(server: Live) -> None:
    _, key = server.new_key(kind="publishable", origins=("https://page.example",))
    client = server.client(key)
    assert client.post("/v1/tts/", json=TONE, headers={"Origin": "https://page.example"}).status_code == 200
    assert client.post("/v1/tts/", json=TONE, headers={"Referer": "https://page.example/a/b"}).status_code == 200
    assert client.post("/v1/tts/", json=TONE, headers={"Origin": "https://other.example"}).status_code == 403
    assert client.post("/v1/tts/", json=TONE).status_code == 403
