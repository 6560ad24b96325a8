"""Connections: old and malformed HTTP, heads and bodies that are too long or never end, too many connections."""

import json
import resource
import socket
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from tests.cli.test_serve import serve
from tests.live import Live, live

from ttsai_server.cli.connections import MOST_HEAD_BYTES
from ttsai_server.settings import Models, Server, Settings

TEXT = "One sentence. Another one, a little longer. " * 40
BODY = {"model": "tone", "voice": "tone_a", "text": TEXT, "stream": True}
BREAKING = {**BODY, "text": "One sentence. " * 40 + "Oh, this breaks the engine."}


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server with short timeouts and few connections."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("data"),
        server=Server(head_seconds=0.3, body_seconds=0.3, idle_seconds=0.3, max_connections=4, unread_seconds=0.3),
        models=Models(demo=True, options={"tone": {"step_seconds": 0.02}}),
        plans={"unread": {"requests_per_minute": 100, "concurrent": 4, "max_characters": 1_000_000}},  # pyright: ignore[reportArgumentType]
    )
    with live(settings) as running:
        yield running


@contextmanager
def connection(url: str) -> Generator[socket.socket]:
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=60) as connected:
        yield connected


def rest(connected: socket.socket) -> bytes:
    """All data until the server closes the connection."""
    return b"".join(iter(lambda: connected.recv(1 << 16), b""))


def sent(url: str, *pieces: bytes) -> bytes:
    with connection(url) as connected:
        for piece in pieces:
            connected.sendall(piece)
        return rest(connected)


def request(server: Live, body: object, version: str = "1.0", method: str = "POST") -> bytes:
    content = json.dumps(body).encode()
    head = f"{method} /v1/tts/ HTTP/{version}\r\nHost: h\r\nAuthorization: Bearer {server.key}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


def parsed(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return (
        int(status.split()[1]),
        {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)},
        body,
    )


def assert_refused(answer: bytes, status: int) -> str:
    """Check that the error is in the contract's format, and the connection closed. → its message."""
    found, headers, body = parsed(answer)
    error = json.loads(body)["error"]
    assert (found, error["type"], headers["connection"]) == (status, "invalid_request_error", "close")
    assert (error["code"], headers["content-length"]) == ("bad_request", str(len(body)))
    assert headers["x-request-id"]
    return error["message"]


def test_an_old_client_gets_the_stream_without_chunks(server: Live) -> None:
    status, headers, body = parsed(sent(server.url, request(server, {**BODY, "format": "wav"})))
    new = server.client().post("/v1/tts/", json={**BODY, "format": "wav"})
    assert (status, headers["connection"], "transfer-encoding" in headers) == (200, "close", False)
    assert body == new.content
    assert new.headers["Transfer-Encoding"] == "chunked"


def test_an_old_client_gets_a_whole_answer_with_its_length(server: Live) -> None:
    _, headers, body = parsed(sent(server.url, request(server, {**BODY, "stream": False})))
    assert int(headers["content-length"]) == len(body)


def test_an_old_client_sees_that_a_stream_breaks_off(server: Live) -> None:
    with connection(server.url) as connected:
        connected.sendall(request(server, BREAKING))
        with pytest.raises(ConnectionResetError):
            rest(connected)


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02", b"HELO there\r\n\r\n", b"GET /\x00 HTTP/1.1\r\n\r\n"])
def test_what_is_no_http_is_400_in_the_contracts_shape(server: Live, garbage: bytes) -> None:
    assert_refused(sent(server.url, garbage), 400)


@pytest.mark.parametrize("digits", ["9" * 4301, "1" * 25, "-1", "0x10", "5, 6"])
def test_a_length_that_is_none_is_400(server: Live, digits: str) -> None:
    assert_refused(sent(server.url, f"POST /v1/tts/ HTTP/1.1\r\nContent-Length: {digits}\r\n\r\n".encode()), 400)


HANDSHAKE = b"GET /v1/realtime HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
KEYED_HANDSHAKE = HANDSHAKE + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
NO_HANDSHAKES = {
    "no key": HANDSHAKE + b"Sec-WebSocket-Version: 13\r\n",
    "no version": KEYED_HANDSHAKE,
    "another version": KEYED_HANDSHAKE + b"Sec-WebSocket-Version: 12\r\n",
    "a body": KEYED_HANDSHAKE + b"Sec-WebSocket-Version: 13\r\nContent-Length: 3\r\n",
    "a long line": KEYED_HANDSHAKE + b"a: " + b"b" * 10_000 + b"\r\n",
    "many lines": KEYED_HANDSHAKE + b"a: b\r\n" * 200,
}


@pytest.mark.parametrize("head", NO_HANDSHAKES)
def test_what_is_no_handshake_is_400_in_the_contracts_shape(server: Live, head: str) -> None:
    answer = sent(server.url, NO_HANDSHAKES[head] + b"\r\n")
    assert_refused(answer, 400)
    assert b"sec-websocket-version: 13" in answer.lower()


def test_a_length_may_begin_with_any_number_of_zeros(server: Live) -> None:
    head, _, body = request(server, {}).partition(b"\r\n\r\n")
    padded = head.replace(b"Content-Length: ", b"Content-Length: " + b"0" * 4301)
    assert parsed(sent(server.url, padded + b"\r\n\r\n" + body))[0] == 400  # `text` is required: the body was read


OFFERS = {
    "HTTP/2": "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB",
    "web sockets": "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAA",
}


@pytest.mark.parametrize("piece", [1, 100, 1_000_000])
@pytest.mark.parametrize("offer", OFFERS)
def test_a_request_that_offers_another_protocol_is_answered_in_this_one(server: Live, offer: str, piece: int) -> None:
    head, _, body = request(server, {**BODY, "stream": False, "format": "wav"}, "1.1").partition(b"\r\n\r\n")
    data = b"\r\n".join([head, OFFERS[offer].encode(), b"", body]) + LINE + b"Connection: close\r\n\r\n"
    answers = sent(server.url, *(data[begin : begin + piece] for begin in range(0, len(data), piece)))
    status, headers, rest = parsed(answers)
    length = int(headers["content-length"])
    whole = server.client().post("/v1/tts/", json={**BODY, "stream": False, "format": "wav"})
    assert (status, rest[:length]) == (200, whole.content)
    assert parsed(rest[length:])[0] == 200  # the request after it


@pytest.mark.parametrize("target", ["a.example:443", "/v1/tts/"])
def test_no_tunnel_is_opened(server: Live, target: str) -> None:
    head = f"CONNECT {target} HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\n\r\n"
    assert parsed(sent(server.url, head.encode()))[0] in (400, 401, 404)


LINE = b"GET /health/live HTTP/1.1\r\n"
LONG = {
    "a header": LINE + b"a: " + b"b" * MOST_HEAD_BYTES + b"\r\n\r\n",
    "a header that never ends": LINE + b"a: " + b"b" * (MOST_HEAD_BYTES + 100_000),
    "many headers": LINE + b"a: b\r\n" * 11_000 + b"\r\n",
    "many headers that never end": LINE + b"a: b\r\n" * 20_000,
    "an address": b"GET /" + b"a" * MOST_HEAD_BYTES + b" HTTP/1.1\r\n\r\n",
    "an address that never ends": b"GET /" + b"a" * (MOST_HEAD_BYTES + 100_000),
    "the second request": LINE + b"\r\n" + LINE + b"a: " + b"b" * MOST_HEAD_BYTES + b"\r\n\r\n",
}


@pytest.mark.parametrize("piece", [1000, 1_000_000])
@pytest.mark.parametrize("head", LONG)
def test_a_head_of_more_than_64_kb_is_431(server: Live, head: str, piece: int) -> None:
    data = LONG[head]
    answer = sent(server.url, *(data[begin : begin + piece] for begin in range(0, len(data), piece)))
    assert "65536 bytes" in assert_refused(answer[answer.index(b"HTTP/1.1 431") :], 431)


def test_a_head_of_little_less_is_read(server: Live) -> None:
    head = LINE + b"Connection: close\r\na: " + b"b" * (MOST_HEAD_BYTES - 200) + b"\r\n\r\n"
    assert parsed(sent(server.url, head))[0] == 200


def test_a_silent_connection_is_closed(hasty: Live) -> None:
    assert sent(hasty.url) == b""


def test_a_head_that_does_not_end_is_400(hasty: Live) -> None:
    assert "did not arrive in time" in assert_refused(sent(hasty.url, LINE, b"a: b\r\n"), 400)


def test_a_body_that_stands_still_is_400(hasty: Live) -> None:
    assert "did not arrive in time" in assert_refused(sent(hasty.url, request(hasty, BODY, "1.1")[:-5]), 400)


KEYLESS = b"POST /v1/tts/ HTTP/1.1\r\nContent-Length: 8\r\n\r\n"


def test_the_rest_of_a_body_whose_request_is_answered_may_take_longer_than_a_head(tmp_path: Path) -> None:
    """As when a large file is sent without a key: a client that sends all of it before reading still gets the 401."""
    bounds = Server(head_seconds=0.1, body_seconds=60)
    with live(Settings(data_dir=tmp_path, server=bounds)) as server, connection(server.url) as connected:
        connected.sendall(KEYLESS)
        for _ in range(4):
            time.sleep(0.1)
            connected.sendall(b"  ")
        connected.sendall(LINE + b"Connection: close\r\n\r\n")
        status, headers, body = parsed(rest(connected))
    assert status == 401
    assert parsed(body[int(headers["content-length"]) :])[0] == 200


def test_where_it_stands_still_there_is_no_second_answer(hasty: Live) -> None:
    with connection(hasty.url) as connected:
        connected.sendall(KEYLESS)
        first = connected.recv(1 << 16)
        connected.sendall(b"  ")
        status, headers, body = parsed(first + rest(connected))
    assert (status, len(body)) == (401, int(headers["content-length"]))


def test_an_idle_connection_is_closed_after_its_answer(hasty: Live) -> None:
    assert parsed(sent(hasty.url, LINE + b"\r\n"))[0] == 200


def test_an_answer_that_takes_long_is_not_cut_short(hasty: Live) -> None:
    answer = hasty.client().post("/v1/tts/", json=BODY)
    assert (answer.status_code, answer.elapsed.total_seconds() > 0.3) == (200, True)


def test_an_answer_that_nobody_reads_gives_back_what_it_holds(hasty: Live) -> None:
    account, key = hasty.new_key("unread")
    body = json.dumps({**BODY, "text": TEXT * 40, "format": "wav"}).encode()
    head = f"POST /v1/tts/ HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    with connection(hasty.url) as unread:
        unread.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        while not (reserved := hasty.account(account).reserved):
            time.sleep(0.05)
        while hasty.account(account).reserved:
            time.sleep(0.05)
        assert 0 < 1000 - hasty.account(account).available < reserved


def test_silent_connections_make_room_for_those_that_speak(hasty: Live) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(connection(hasty.url)) for _ in range(60)]
        assert httpx.get(f"{hasty.url}/health/live").status_code == 200
        assert len(silent) == 60


def test_a_request_that_is_worked_on_keeps_its_connection(hasty: Live) -> None:
    with ExitStack() as stack:
        answer = stack.enter_context(hasty.client().stream("POST", "/v1/tts/", json=BODY))
        for _ in range(60):
            stack.enter_context(connection(hasty.url))
        assert len(answer.read()) > 1000


def test_where_all_connections_are_at_work_one_more_is_told_to_come_again(hasty: Live) -> None:
    with ExitStack() as stack:
        for _ in range(4):
            busy = stack.enter_context(hasty.client().stream("POST", "/v1/tts/", json={**BODY, "text": TEXT * 5}))
            assert busy.status_code == 200
        status, headers, body = parsed(sent(hasty.url, LINE + b"\r\n"))
    assert (status, headers["retry-after"], json.loads(body)["error"]["code"]) == (503, "5", "model_loading")


@pytest.mark.service
def test_more_silent_connections_than_open_files_lock_nobody_out(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2000:
        pytest.skip(f"this process may have {hard} open files, and the test opens 1,100 connections")
    with ExitStack() as stack:
        server = stack.enter_context(serve(tmp_path, "bash", "-c", 'ulimit -n 1024; exec "$@"', "bash"))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (2000, hard))
        for _ in range(1100):
            stack.enter_context(connection(server.url))
        assert httpx.get(f"{server.url}/health/live", timeout=60).status_code == 200
