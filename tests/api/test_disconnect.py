"""A client that disconnects: the work stops, the audio generated so far is billed, and nothing is left behind."""

import socket
import time
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest
from tests.live import Live, live

from ttsai_server.engines.tone import SECONDS_PER_CHARACTER
from ttsai_server.settings import Models, Settings

LONG = "This is one of many sentences that nobody will hear to the end. " * 60


@pytest.fixture(scope="module")
def slow_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Live]:
    """A server whose tone engine takes 50 ms per step."""
    models = Models(demo=True, options={"tone": {"step_seconds": 0.05}})
    with live(Settings(data_dir=tmp_path_factory.mktemp("slow"), models=models)) as running:
        yield running


def settled(server: Live, account: str) -> int:
    """Credits of the account, once nothing is reserved."""
    until = time.monotonic() + 60
    while (now := server.account(account)).reserved:
        assert time.monotonic() < until, "the reservation was never closed"
        time.sleep(0.05)
    return now.available


def metric(server: Live, name: str) -> float:
    lines = httpx.get(f"{server.url}/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def test_a_stream_left_half_way_is_billed_for_what_was_made(slow_server: Live) -> None:
    account, key = slow_server.new_key(credits=100)
    body = {"model": "tone", "voice": "tone_a", "text": LONG, "stream": True, "format": "wav"}
    with slow_server.client(key) as client, client.stream("POST", "/v1/tts/", json=body) as answer:
        assert answer.headers["X-Credits-Used"] == "4"
        next(answer.iter_raw())
    assert 96 < settled(slow_server, account) < 100


def test_work_stops_when_the_client_leaves(slow_server: Live) -> None:
    _, key = slow_server.new_key(credits=100)
    before = metric(slow_server, "ttsai_audio_seconds_total")
    body = {"model": "tone", "voice": "tone_a", "text": LONG, "stream": True}
    with slow_server.client(key) as client, client.stream("POST", "/v1/tts/", json=body) as answer:
        next(answer.iter_raw())
    until = time.monotonic() + 60
    while metric(slow_server, 'ttsai_model_leases{model="tone"}'):
        assert time.monotonic() < until, "the model is at work for nobody"
        time.sleep(0.05)
    made = metric(slow_server, "ttsai_audio_seconds_total") - before
    assert made < 0.5 * len(LONG) * SECONDS_PER_CHARACTER


@pytest.mark.parametrize("stream", ["true", "false"])
def test_a_client_gone_before_the_first_byte_pays_nothing(slow_server: Live, stream: str) -> None:
    account, key = slow_server.new_key(credits=100)
    body = f'{{"model": "tone", "voice": "tone_a", "text": "{LONG}", "stream": {stream}}}'
    host, port = slow_server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"POST /v1/tts/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
    assert settled(slow_server, account) == 100


def test_a_client_that_leaves_while_it_sends_its_body_is_no_fault_of_the_server(slow_server: Live) -> None:
    before = metric(slow_server, "ttsai_abandoned_total")
    host, port = slow_server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"POST /v1/voice-chat/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {slow_server.key}\r\n"
            'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"text": "'.encode()
        )
    until = time.monotonic() + 60
    while metric(slow_server, "ttsai_abandoned_total") == before:
        assert time.monotonic() < until, "it was not counted as a client that left"
        time.sleep(0.05)


def test_an_engine_that_fails_half_way_breaks_the_answer_off_and_costs_nothing(tmp_path: Path) -> None:
    models = Models(demo=True, options={"tone": {"fail_on": "BROKEN"}})
    with live(Settings(data_dir=tmp_path, models=models)) as server:
        account, key = server.new_key(credits=100)
        body = {"model": "tone", "voice": "tone_a", "text": LONG + "BROKEN", "stream": True}
        with server.client(key).stream("POST", "/v1/tts/", json=body) as answer:
            assert answer.status_code == 200
            with pytest.raises(httpx.RemoteProtocolError):
                answer.read()
        assert settled(server, account) == 100


def test_an_engine_that_fails_at_once_is_500_and_costs_nothing(tmp_path: Path) -> None:
    models = Models(demo=True, options={"tone": {"fail_on": "BROKEN"}})
    with live(Settings(data_dir=tmp_path, models=models)) as server:
        account, key = server.new_key(credits=100)
        for stream in (True, False):
            body = {"model": "tone", "voice": "tone_a", "text": "BROKEN " + LONG, "stream": stream}
            answer = server.client(key).post("/v1/tts/", json=body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
            assert answer.headers["X-Request-Id"] in answer.json()["error"]["message"]
        assert settled(server, account) == 100
