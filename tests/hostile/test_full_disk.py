"""A disk that takes no more: what was made is answered, what can't be paid is a 503, and no credits stay reserved."""

import resource
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.jobs.serving import Server, serving

pytestmark = pytest.mark.service

TONE = {"model": "tone", "voice": "tone_a", "text": "A sentence. " * 300, "format": "wav"}
KEY = {"Idempotency-Key": "the same"}
MOST = 2_000_000
"""Bytes of a file while the disk is full; the database has less, and the answer more."""
QUICK = {"models__demo": "true"}
SLOW = {**QUICK, "models__options": '{"tone": {"step_seconds": 1, "steps": 2}}', "jobs__dead_seconds": "1"}


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "data", tmp_path / "log", getattr(request, "param", QUICK)) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.key}"}, timeout=60) as client:
        yield client


def limit(server: Server, size: int) -> None:
    """The longest file that the server may write from now on, bytes."""
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def check_answered_but_not_kept(client: httpx.Client) -> None:
    for _ in range(2):
        answer = client.post("/v1/tts/", json={**TONE, "stream": True}, headers=KEY)
        assert answer.status_code == 200
        assert len(answer.content) > MOST
        assert "Idempotent-Replayed" not in answer.headers


def test_an_answer_that_has_no_room_for_its_copy_is_given_whole(server: Server, client: httpx.Client) -> None:
    limit(server, MOST)
    check_answered_but_not_kept(client)


def test_an_answer_is_given_whole_when_the_folder_of_copies_fails(client: httpx.Client, tmp_path: Path) -> None:
    (tmp_path / "data" / "answers").touch()
    check_answered_but_not_kept(client)


@pytest.mark.parametrize("server", [SLOW], indirect=True, ids=["slow"])
def test_what_the_database_has_no_room_for_is_503_and_its_credits_return(server: Server, client: httpx.Client) -> None:
    before = client.get("/v1/account/").json()
    short = {**TONE, "text": "A sentence. " * 10, "stream": True}
    with client.stream("POST", "/v1/tts/", json=short) as answer:
        assert client.get("/v1/account/").json()["reserved"] > 0
        limit(server, 0)
        with pytest.raises(httpx.RemoteProtocolError):
            answer.read()
    refused = client.post("/v1/tts/", json=TONE)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "model_loading")
    assert int(refused.headers["Retry-After"]) > 0
    limit(server, resource.RLIM_INFINITY)
    while client.get("/v1/account/").json()["reserved"]:
        time.sleep(0.1)
    assert client.get("/v1/account/").json()["credits"] == before["credits"]
