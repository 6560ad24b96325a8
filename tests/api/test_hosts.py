"""Under which names a server without keys answers browsers; asked by the header Host, over loopback."""

from base64 import b64encode

import httpx
import pytest
from tests.live import Live

from ttsai_server.api.hosts import is_private

OURS = ["localhost", "127.0.0.1", "[::1]", "192.168.1.5", "gpu-box", "gpu-box.local", "Speech.Example.ORG."]
STRANGE = ["other.example", "localhost.other.example", "127.0.0.1.other.example", "[::1"]
BROWSERS: list[dict[str, str]] = [
    {"Origin": "http://other.example:8000"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Accept-Language": ""},
]


def got(server: Live, path: str, host: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{server.url}{path}", headers={"Host": f"{host}:8000", **headers})


@pytest.mark.parametrize("host", OURS)
def test_a_name_that_no_other_site_can_have_is_ours(host: str) -> None:
    assert is_private(host.strip("[]"), "https://speech.example.org")


@pytest.mark.parametrize("host", STRANGE[:-1])
def test_a_name_that_another_site_could_have_is_not(host: str) -> None:
    assert not is_private(host, "https://speech.example.org")


@pytest.mark.parametrize("host", OURS)
def test_without_keys_browsers_get_answers_under_our_names(open_server: Live, host: str) -> None:
    assert got(open_server, "/v1/models/", host, **BROWSERS[0]).status_code == 200


@pytest.mark.parametrize("host", STRANGE)
@pytest.mark.parametrize("headers", BROWSERS, ids=lambda headers: next(iter(headers)))
def test_without_keys_browsers_get_none_under_others(open_server: Live, host: str, headers: dict[str, str]) -> None:
    answer = got(open_server, "/v1/models/", host, **headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert "server.public_url" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/voices/", "/api/v1/tts/", "/elevenlabs/v1/voices", "/mcp", "/metrics", "/docs"])
def test_that_is_so_on_every_path(open_server: Live, path: str) -> None:
    assert got(open_server, path, STRANGE[0], **BROWSERS[0]).status_code == 403


@pytest.mark.parametrize("path", ["/v1/realtime?model=x", "/elevenlabs/v1/text-to-speech/tone_a/stream-input"])
def test_that_is_so_of_a_websocket_too(open_server: Live, path: str) -> None:
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": b64encode(bytes(16)).decode(),
    }
    assert got(open_server, path, STRANGE[0], **handshake, **BROWSERS[0]).status_code == 403


@pytest.mark.parametrize("host", [STRANGE[0], "tts.speech.svc"])
def test_what_is_no_browser_gets_answers_under_any_name(open_server: Live, host: str) -> None:
    assert got(open_server, "/v1/models/", host).status_code == 200


def test_with_keys_any_name_will_do(server: Live) -> None:
    answer = server.client().get("/v1/models/", headers={"Host": STRANGE[0], **BROWSERS[0]})
    assert answer.status_code == 200
