"""Requests that the audio tools refuse, and the errors they return."""

import socket
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from tests.api.recordings import SONG, encoded, sent
from tests.live import Live, live

from ttsai_server.settings import Models, Settings, Tools

BAD_FIELDS = [
    ("convert", {}, "format"),
    ("convert", {"format": "wma"}, "format"),
    ("convert", {"format": "mp3", "bitrate": "100"}, "bitrate"),
    ("convert", {"format": "mp3", "sample_rate": "96000"}, "sample_rate"),
    ("convert", {"format": "mp3", "channels": "5.1"}, "channels"),
    ("enhance", {"strength": "0"}, "strength"),
    ("enhance", {"strength": "4"}, "strength"),
    ("enhance", {"denoise": "perhaps"}, "denoise"),
    ("enhance", {"denoise": "false", "enhance_clarity": "false"}, None),
    ("dereverb", {"type": "room"}, "type"),
    ("dereverb", {"intensity": "6"}, "intensity"),
    ("separate", {"stems": "3"}, "stems"),
    ("separate", {"stems": "5"}, "stems"),
    ("separate", {"stems": "6", "model": "spleeter"}, "stems"),
    ("separate", {"format": "ogg"}, "format"),
    ("convert", {"format": "mp3", "webhook_url": "ftp://a"}, "webhook_url"),
]


@pytest.mark.parametrize(("tool", "fields", "param"), BAD_FIELDS)
def test_a_bad_field_is_told_and_costs_nothing(
    server: Live, tool: str, fields: dict[str, str], param: str | None
) -> None:
    account, key = server.new_key(credits=10)
    answer = sent(server, tool, encoded(SONG), key=key, **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert server.account(account).available == 10


TOOLS = {
    "convert": {"format": "mp3"},
    "analyze": {},
    "enhance": {},
    "/v1/audio-enhance/": {},
    "dereverb": {},
    "separate": {"model": "spleeter"},
}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("asynchronous", ["false", "true"])
def test_a_file_that_is_no_sound_is_refused_with_the_reason(small: Live, tool: str, asynchronous: str) -> None:
    account, key = small.new_key(credits=10)
    fields = {**TOOLS[tool], "async": asynchronous}
    answer = sent(small, tool, b"This is a letter, not a sound. " * 50, key=key, **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "file")
    assert "not audio" in answer.json()["error"]["message"]
    after = small.account(account)
    assert (after.available, after.reserved) == (10, 0)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_form_without_a_file_is_refused(server: Live, tool: str) -> None:
    path = tool if tool.startswith("/") else f"/v1/audio/{tool}"
    answer = server.client().post(path, data={"format": "mp3"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "file")


@pytest.mark.parametrize("tool", TOOLS)
def test_a_file_over_the_limit_is_too_large(small: Live, tool: str) -> None:
    answer = sent(small, tool, b"\0" * 2_000_001, **TOOLS[tool])
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "file_too_large")


@pytest.mark.parametrize("tool", TOOLS)
def test_a_recording_over_the_limit_is_too_large(small: Live, tool: str) -> None:
    answer = sent(small, tool, encoded(np.zeros((8000 * 100, 1), np.float32), 8000), **TOOLS[tool])
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "file_too_large")


@pytest.mark.parametrize("tool", TOOLS)
def test_a_body_over_the_limit_is_refused_before_it_is_read(server: Live, tool: str) -> None:
    length = Settings().tools.max_file_bytes + 2_000_000
    path = tool if tool.startswith("/") else f"/v1/audio/{tool}/"
    host, port = server.url.removeprefix("http://").split(":")
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.key}\r\nContent-Length: {length}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("tool", TOOLS)
def test_a_web_pages_key_may_not_use_a_tool(server: Live, tool: str) -> None:
    key = server.new_key(kind="publishable", origins=("https://a.example",))[1]
    answer = sent(server, tool, encoded(SONG), key=key, headers={"Origin": "https://a.example"}, **TOOLS[tool])
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


def test_an_unknown_model_is_not_found(server: Live) -> None:
    answer = sent(server, "separate", encoded(SONG), model="nope")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_a_model_of_another_task_is_not_found(server: Live) -> None:
    assert sent(server, "separate", encoded(SONG), model="tone").status_code == 404


@pytest.mark.parametrize(
    ("tool", "fields", "model"),
    [
        ("separate", {}, "htdemucs" if find_spec("demucs") else "spleeter-2stems"),
        ("separate", {"model": "demucs"}, "htdemucs"),
        ("separate", {"model": "demucs", "stems": "6"}, "htdemucs_6s"),
        ("separate", {"model": "spleeter", "stems": "4"}, "spleeter-4stems"),
        ("enhance", {"super_resolution": "true"}, Settings().tools.upsampler),
    ],
)
def test_without_weights_it_is_told_how_to_get_them(bare: Live, tool: str, fields: dict[str, str], model: str) -> None:
    answer = sent(bare, tool, encoded(SONG), denoise="false", **fields)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "model_loading")
    assert f"ttsai-server models pull {model}" in answer.json()["error"]["message"]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Generator[Live]:
    """A server without weights."""
    models = Models(dir=tmp_path_factory.mktemp("none"))
    with live(Settings(data_dir=tmp_path_factory.mktemp("bare"), models=models)) as running:
        yield running


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, tiny_models: Path, denoiser_weights: Path) -> Generator[Live]:
    """A server with low limits for uploads."""
    bounds = Tools(max_file_bytes=2_000_000, max_seconds=90)
    settings = Settings(data_dir=tmp_path_factory.mktemp("small"), models=Models(dir=tiny_models), tools=bounds)
    with live(settings) as running:
        yield running
