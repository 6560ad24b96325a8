"""What a web page may do with a publishable key, as a browser would ask for it."""

import time
from collections.abc import Iterator

import httpx
import pytest
from tests.live import Live, live

from ttsai_server.errors import NO_RETRY
from ttsai_server.settings import Cors, Models, Settings

TONE = {"model": "tone", "voice": "tone_a", "text": "la la la"}
PAGE = "https://page.example"
OWN = "https://own.example"
STRANGER = "https://stranger.example"


def preflight(server: Live, origin: str, path: str = "/v1/tts/", method: str = "POST") -> httpx.Response:
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization,content-type"}
    return httpx.options(f"{server.url}{path}", headers={"Origin": origin, **asked})


def listed(answer: httpx.Response, header: str) -> set[str]:
    return {name.strip().lower() for name in answer.headers.get(header, "").split(",")}


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server that names one origin in its settings, and has one publishable key of another."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("strict"), cors=Cors(origins=(OWN,)), models=Models(demo=True))
    with live(settings) as running:
        yield running


@pytest.fixture(scope="module")
def page_key(strict: Live) -> str:
    return strict.new_key(kind="publishable", origins=(PAGE,))[1]


def test_a_page_speaks_as_a_browser_would_have_it(strict: Live, page_key: str) -> None:
    asked = preflight(strict, PAGE)
    assert (asked.status_code, asked.headers["Access-Control-Allow-Origin"]) == (204, PAGE)
    assert "post" in listed(asked, "Access-Control-Allow-Methods")
    assert {"authorization", "content-type"} <= listed(asked, "Access-Control-Allow-Headers")

    spoken = strict.client(page_key).post("/v1/tts/", json=TONE, headers={"Origin": PAGE})
    assert (spoken.status_code, spoken.headers["Access-Control-Allow-Origin"]) == (200, PAGE)
    assert {"x-credits-used", "x-credits-remaining", "x-request-id"} <= listed(spoken, "Access-Control-Expose-Headers")


def test_every_header_of_ours_that_comes_may_be_read(strict: Live, page_key: str) -> None:
    client, headers = strict.client(page_key), {"Origin": PAGE, "Idempotency-Key": "once"}
    first, repeat = (client.post("/v1/tts/", json={**TONE, "knob": 1}, headers=headers) for _ in range(2))
    ours = {name for name in first.headers if name.startswith("x-")}
    assert len(ours) > 5
    assert ours | {name.lower() for name in NO_RETRY} <= listed(first, "Access-Control-Expose-Headers")
    for answer, name in ((first, "warning"), (repeat, "idempotent-replayed")):
        assert name in answer.headers
        assert name in listed(answer, "Access-Control-Expose-Headers")


@pytest.mark.usefixtures("page_key")
def test_a_strangers_page_is_told_no_before_it_sends_anything(strict: Live) -> None:
    asked = preflight(strict, STRANGER)
    assert (asked.status_code, asked.json()["error"]["code"]) == (403, "forbidden")
    assert "Access-Control-Allow-Origin" not in asked.headers


def test_a_strangers_page_can_not_use_the_key(strict: Live, page_key: str) -> None:
    answer = strict.client(page_key).post("/v1/tts/", json=TONE, headers={"Origin": STRANGER})
    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.usefixtures("page_key")
def test_an_origin_of_the_settings_is_allowed_too(strict: Live) -> None:
    assert preflight(strict, OWN).headers["Access-Control-Allow-Origin"] == OWN


def test_a_page_is_let_in_when_its_key_is_made_and_no_more_when_it_is_revoked(strict: Live) -> None:
    origin = "https://brief.example"
    secret = strict.client()
    assert preflight(strict, origin).status_code == 403
    made = secret.post("/v1/account/keys/", json={"kind": "publishable", "origins": [origin]}).json()
    assert until(strict, origin, 204)
    secret.delete(f"/v1/account/keys/{made['id']}")
    assert until(strict, origin, 403)


def until(server: Live, origin: str, status: int) -> bool:
    """Whether the preflight gets this status, once the cache of auth.cache_seconds has expired."""
    end = time.monotonic() + server.settings.auth.cache_seconds + 5
    while preflight(server, origin).status_code != status:
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.usefixtures("page_key")
def test_a_page_can_read_why_it_was_refused(strict: Live) -> None:
    answer = strict.client("sk-tts-wrong").post("/v1/tts/", json=TONE, headers={"Origin": PAGE})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (401, PAGE)


@pytest.mark.parametrize("origin", [PAGE, STRANGER, None])
@pytest.mark.usefixtures("page_key")
def test_caches_are_told_that_answers_differ_by_origin(strict: Live, origin: str | None) -> None:
    answer = httpx.get(f"{strict.url}/health/live", headers={"Origin": origin} if origin else {})
    assert "origin" in listed(answer, "Vary")


def test_a_preflight_has_its_request_id(server: Live) -> None:
    assert preflight(server, PAGE).headers["X-Request-Id"]


def test_by_default_any_page_may_ask(server: Live) -> None:
    asked = preflight(server, STRANGER, "/v1/account/keys/key_0/", "DELETE")
    assert (asked.status_code, asked.headers["Access-Control-Allow-Origin"]) == (204, "*")


def test_an_options_that_is_no_preflight_needs_a_key(server: Live) -> None:
    assert httpx.options(f"{server.url}/v1/tts/", headers={"Origin": PAGE}).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models/"),
        ("GET", "/v1/voices/"),
        ("GET", "/v1/speech/models/"),
        ("GET", "/v1/speech/voices/"),
        ("GET", "/v1/speech/languages/"),
        ("POST", "/v1/tts/"),
        ("POST", "/api/v1/tts/"),
        ("POST", "/v1/audio/speech"),
    ],
)
def test_what_a_publishable_key_may_do(server: Live, method: str, path: str) -> None:
    _, key = server.new_key(kind="publishable", origins=(PAGE,))
    answer = server.client(key).request(method, path, headers={"Origin": PAGE}, json={**TONE, "input": "la"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/stt/"),
        ("POST", "/api/v1/stt/"),
        ("POST", "/v1/audio/transcriptions"),
        ("POST", "/v1/audio/translations"),
        ("GET", "/v1/account/"),
        ("GET", "/v1/tasks/0"),
        ("DELETE", "/v1/tasks/0"),
        ("POST", "/v1/tts/clone/"),
        ("GET", "/v1/nothing/"),
    ],
)
def test_what_a_publishable_key_may_not_do(server: Live, method: str, path: str) -> None:
    _, key = server.new_key(kind="publishable", origins=(PAGE,))
    answer = server.client(key).request(method, path, headers={"Origin": PAGE})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "page", ["http://[", "https://page.example.evil/", "https://page.example:8443/", "about:blank"]
)
def test_a_referer_of_another_page_is_403(server: Live, page: str) -> None:
    _, key = server.new_key(kind="publishable", origins=(PAGE,))
    assert server.client(key).post("/v1/tts/", json=TONE, headers={"Referer": page}).status_code == 403


def test_the_origin_goes_before_the_referer(server: Live) -> None:
    _, key = server.new_key(kind="publishable", origins=(PAGE,))
    both = {"Origin": STRANGER, "Referer": f"{PAGE}/a"}
    assert server.client(key).post("/v1/tts/", json=TONE, headers=both).status_code == 403


def test_a_page_without_an_origin_of_its_own_is_403(server: Live) -> None:
    _, key = server.new_key(kind="publishable", origins=(PAGE,))
    assert server.client(key).post("/v1/tts/", json=TONE, headers={"Origin": "null"}).status_code == 403
