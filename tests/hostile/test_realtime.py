"""WebSockets that send garbage, stall, flood, read nothing or leave: nothing is left of them, nor charged for them."""

import json
import random
import re
import socket
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from tests.api.test_disconnect import metric, settled
from tests.chat_server import TestChatServer, chat_server
from tests.live import Live, live
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, connect

from ttsai_server.domain import Caller
from ttsai_server.services.accounts import Accounts
from ttsai_server.services.client_secrets import ClientSecrets
from ttsai_server.settings import Chat, Models, Realtime, Server, Settings
from ttsai_server.store.db import open_database
from ttsai_server.store.keys import PUBLISHABLE
from ttsai_server.store.secret_box import SecretBox

SECONDS = 60
MOST_BYTES = 300_000
TOO_LONG = {1009, None}
"""How a session is closed for that; None: who still sends may get a reset before the code."""
PAGE = "https://page.example"
TEXT = {"type": "session.update", "session": {"type": "realtime", "output_modalities": ["text"]}}
ALOUD = {"type": "session.update", "session": {"type": "realtime", "audio": {"output": {"voice": "tone_a"}}}}
ASK = {
    "type": "conversation.item.create",
    "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello!"}]},
}
RESPOND = {"type": "response.create"}


@pytest.fixture(scope="module")
def chat_model() -> Generator[TestChatServer]:
    with chat_server() as running:
        yield running


def settings(folder: Path, chat_model: TestChatServer, **realtime: Any) -> Settings:
    return Settings(
        data_dir=folder,
        models=Models(demo=True),
        chat=Chat(base_url=chat_model.url, model="small"),
        server=Server(unread_seconds=0.5),
        realtime=Realtime(max_message_bytes=MOST_BYTES, **realtime),
        cors={"origins": [PAGE]},  # pyright: ignore[reportArgumentType]
        plans={"single": {"requests_per_minute": 1000, "concurrent": 1, "max_characters": 1000}},  # pyright: ignore[reportArgumentType]
    )


@pytest.fixture(scope="module")
def server(chat_model: TestChatServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(settings(tmp_path_factory.mktemp("server"), chat_model)) as running:
        yield running


def address(server: Live, query: str = "?model=gpt-realtime") -> str:
    return f"{server.url.replace('http', 'ws')}/v1/realtime{query}"


@contextmanager
def opened(server: Live, key: str = "", **options: Any) -> Generator[ClientConnection]:
    headers = {"Authorization": f"Bearer {key or server.key}"}
    with connect(address(server), additional_headers=headers, max_size=None, **options) as session:
        assert json.loads(session.recv(SECONDS))["type"] == "session.created"
        yield session


def ask(session: ClientConnection, *events: dict[str, Any]) -> None:
    for event in events:
        session.send(json.dumps(event))


def wait_for(session: ClientConnection, type: str) -> dict[str, Any]:
    while (event := json.loads(session.recv(SECONDS)))["type"] != type:
        pass
    return event


def closing_code(session: ClientConnection) -> int | None:
    """Read to the end. → the code with which the server closes."""
    try:
        while True:
            session.recv(SECONDS)
    except ConnectionClosed as closed:
        return closed.rcvd and closed.rcvd.code


def nothing_is_left(server: Live) -> bool:
    """Whether all sessions have ended, at last: only the request that asks is under way."""
    until = time.monotonic() + SECONDS
    while metric(server, "ttsai_requests_in_flight") > 1:
        assert time.monotonic() < until, "a session goes on"
        time.sleep(0.05)
    return True


def test_garbage_gets_errors_and_the_session_goes_on(server: Live) -> None:
    with opened(server) as session:
        for garbage in ("", "null", "[]", "{}", '"a"', "\x00", "{" * 10_000, b"\xff\xfe", "9" * 5000, '{"type": 7}'):
            session.send(garbage)
            assert wait_for(session, "error")["error"]["type"] == "invalid_request_error"
        ask(session, TEXT)
        wait_for(session, "session.updated")
    assert nothing_is_left(server)


@pytest.mark.parametrize("bytes", [b"\x81\x05abc\xff\xfe", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100])
def test_what_is_no_websocket_ends_the_connection(server: Live, bytes: bytes) -> None:
    with opened(server) as session, suppress(ConnectionClosed, OSError):
        session.socket.sendall(bytes)
        closing_code(session)
    assert nothing_is_left(server)


def test_a_message_that_is_too_long_closes_the_session(server: Live) -> None:
    with opened(server) as session:
        with suppress(ConnectionClosed):
            session.send("a" * (MOST_BYTES + 1))
        assert closing_code(session) in TOO_LONG
    assert nothing_is_left(server)


def test_a_message_in_endless_fragments_closes_the_session(server: Live) -> None:
    def fragments() -> Iterator[str]:
        while True:
            yield ""

    with opened(server) as session:
        with suppress(ConnectionClosed):
            session.send(fragments())
        assert closing_code(session) in TOO_LONG
    assert nothing_is_left(server)


def test_others_are_answered_while_one_floods(server: Live, chat_model: TestChatServer) -> None:
    chat_model.answers = [("Yes.",)]
    with opened(server) as flood, opened(server) as other:
        for _ in range(3000):
            flood.send("{}")
        ask(other, TEXT, ASK, RESPOND)
        assert wait_for(other, "response.done")["response"]["status"] == "completed"
        for _ in range(3000):
            wait_for(flood, "error")
    assert nothing_is_left(server)


def test_who_reads_nothing_loses_the_connection_and_pays_one_turn(server: Live, chat_model: TestChatServer) -> None:
    chat_model.answers = [("La la la la la la la la la la. " * 600,)]
    account, key = server.new_key(credits=10)
    parts = server.url.removeprefix("http://").split(":")
    with socket.socket() as narrow:
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        narrow.connect((parts[0], int(parts[1])))
        head = (
            f"GET /v1/realtime HTTP/1.1\r\nHost: {parts[0]}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {key}\r\n\r\n"
        )
        narrow.sendall(head.encode())
        told = b""
        while b"session.created" not in told:
            told += narrow.recv(4096)
        for event in (ALOUD, ASK, RESPOND):
            frame = Frame(Opcode.TEXT, json.dumps(event).encode())
            narrow.sendall(frame.serialize(mask=True))
        assert nothing_is_left(server)
    assert settled(server, account) == 7


def test_who_leaves_in_the_middle_of_an_answer_pays_the_turn(server: Live, chat_model: TestChatServer) -> None:
    go_on = Event()
    chat_model.answers = [("It begins. ", "And", go_on, " never ends.")]
    account, key = server.new_key(credits=10)
    with opened(server, key) as session:
        ask(session, ALOUD, ASK, RESPOND)
        wait_for(session, "response.output_audio.delta")
        session.socket.shutdown(socket.SHUT_RDWR)
    assert nothing_is_left(server)
    go_on.set()
    assert settled(server, account) == 7


def test_who_leaves_before_an_answer_pays_nothing(server: Live, chat_model: TestChatServer) -> None:
    go_on = Event()
    chat_model.answers = [(go_on, "Never.")]
    account, key = server.new_key(credits=10)
    with opened(server, key) as session:
        ask(session, ALOUD, ASK, RESPOND)
        wait_for(session, "response.created")
        session.socket.shutdown(socket.SHUT_RDWR)
    assert nothing_is_left(server)
    go_on.set()
    assert settled(server, account) == 10


@pytest.mark.parametrize("limit", ["idle_seconds", "max_seconds"])
def test_a_session_that_is_silent_or_long_is_ended(chat_model: TestChatServer, limit: str, tmp_path: Path) -> None:
    with live(settings(tmp_path, chat_model, **{limit: 0.5})) as server, opened(server) as session:
        assert wait_for(session, "error")["error"]["code"] == "session_expired"
        assert closing_code(session) == 1000


def test_a_server_that_stops_closes_its_sessions(chat_model: TestChatServer, tmp_path: Path) -> None:
    go_on = Event()
    chat_model.answers = [("It begins. ", go_on, "And never ends.")]
    with ExitStack() as sessions:
        with live(settings(tmp_path, chat_model)) as server:
            session = sessions.enter_context(opened(server))
            ask(session, TEXT, ASK, RESPOND)
            wait_for(session, "response.output_text.delta")
            go_on.set()
        assert closing_code(session) == 1012


def refusal(server: Live, query: str = "?model=gpt-realtime", **options: Any) -> tuple[int, str]:
    """Status and code of the answer to a handshake that is refused."""
    with pytest.raises(InvalidStatus) as refused, connect(address(server, query), **options):
        pass
    answer = refused.value.response
    assert answer.headers["X-Request-Id"]
    return answer.status_code, json.loads(answer.body or b"")["error"]["code"]


def bearer(key: str) -> dict[str, Any]:
    return {"additional_headers": {"Authorization": f"Bearer {key}"}}


def test_who_may_not_open_a_session_is_told_before_it_opens(server: Live) -> None:
    _, publishable = server.new_key(kind=PUBLISHABLE, origins=(PAGE,))
    found = [
        refusal(server),
        refusal(server, **bearer("ek_nothing")),
        refusal(server, **bearer(publishable), origin=PAGE),  # pyright: ignore[reportArgumentType]
        refusal(server, **bearer(server.new_key(plan="free")[1])),
        refusal(server, **bearer(server.key), origin="https://other.example"),  # pyright: ignore[reportArgumentType]
        refusal(server, "?model=kokoro", **bearer(server.key)),
    ]
    assert found == [
        (401, "unauthorized"),
        (401, "unauthorized"),
        (403, "forbidden"),
        (403, "forbidden"),
        (403, "forbidden"),
        (404, "not_found"),
    ]


def test_a_session_is_one_of_the_concurrent_requests_of_its_account(server: Live) -> None:
    _, key = server.new_key(plan="single")
    with opened(server, key):
        assert refusal(server, **bearer(key)) == (429, "rate_limited")
    assert nothing_is_left(server)
    with opened(server, key):
        pass


def secret_of(server: Live, key: str) -> str:
    answer = server.client(key).post("/v1/realtime/client_secrets", json={"session": {"type": "realtime"}})
    assert answer.status_code == 200, answer.text
    return answer.json()["value"]


def test_a_page_opens_a_session_by_a_client_secret_as_a_subprotocol(server: Live) -> None:
    offered: Any = ["realtime", f"openai-insecure-api-key.{secret_of(server, server.key)}"]
    with connect(address(server), subprotocols=offered, origin=PAGE) as session:  # pyright: ignore[reportArgumentType]
        assert session.subprotocol == "realtime"
        assert json.loads(session.recv(SECONDS))["type"] == "session.created"


@pytest.mark.parametrize("length", [0, 20, 40, 60])
def test_a_client_secret_of_any_length_is_a_token_that_a_browser_can_send(server: Live, length: int) -> None:
    """As RFC 9110, 5.6.2 has it; padding would be none."""
    secrets = ClientSecrets(Accounts(server.settings, open_database(server.settings)), SecretBox(server.settings))
    session = {"instructions": random.Random(length).randbytes(length).hex()}
    secret, _ = secrets.create(Caller("local", "enterprise", ""), session, 60)
    assert re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", secret, re.ASCII)
    assert secrets.open(secret).session == session


def test_a_client_secret_opens_nothing_else(server: Live) -> None:
    assert server.client(secret_of(server, server.key)).get("/v1/models/").status_code == 401


def test_a_client_secret_ends_with_the_key_that_made_it(server: Live) -> None:
    _, key = server.new_key()
    secret, client = secret_of(server, key), server.client(key)
    with opened(server, secret):
        pass
    own = client.get("/v1/account/keys/").json()["keys"][0]["id"]
    assert client.delete(f"/v1/account/keys/{own}").status_code == 200
    assert refusal(server, **bearer(secret)) == (401, "unauthorized")


def test_a_client_secret_expires(server: Live) -> None:
    database = open_database(server.settings)
    secrets = ClientSecrets(Accounts(server.settings, database), SecretBox(server.settings))
    expired, _ = secrets.create(Caller("local", "enterprise", ""), {}, -1)
    assert refusal(server, **bearer(expired)) == (401, "unauthorized")


WRONG: list[dict[str, Any]] = [
    {"session": {"type": "realtime", "audio": {"output": {"voice": "nobody"}}}},
    {"session": {"type": "other"}},
    {"expires_after": {"seconds": 1}},
    {"session": {"instructions": "".join(map(str, range(20_000)))}},
]


@pytest.mark.parametrize("body", WRONG)
def test_a_client_secret_for_what_can_not_be_is_refused(server: Live, body: dict[str, Any]) -> None:
    answer = server.client().post("/v1/realtime/client_secrets", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
