"""ElevenLabs' WebSocket for a text that is still being written."""

import base64
import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.live import Live
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

SECONDS = 120
"""After so long without the expected message a test fails."""
SENTENCE = "La la la la la la la. "


@contextmanager
def session(server: Live, key: str = "", voice: str = "tone_a", query: str = "") -> Generator[ClientConnection]:
    address = f"{server.url.replace('http', 'ws')}/elevenlabs/v1/text-to-speech/{voice}/stream-input"
    headers = {"xi-api-key": key or server.key}
    with connect(f"{address}?output_format=pcm_24000{query}", additional_headers=headers) as socket:
        yield socket


def say(socket: ClientConnection, *texts: str, **fields: Any) -> None:
    for text in texts:
        socket.send(json.dumps({"text": text, **fields}))


def heard(socket: ClientConnection) -> list[dict[str, Any]]:
    """All messages up to the end of the session."""
    messages: list[dict[str, Any]] = []
    try:
        while True:
            messages.append(json.loads(socket.recv(SECONDS)))
    except ConnectionClosed:
        return messages


def sound_of(messages: list[dict[str, Any]]) -> bytes:
    return b"".join(base64.b64decode(message["audio"]) for message in messages if message.get("audio"))


def test_the_first_sentence_is_heard_before_the_text_has_ended(server: Live) -> None:
    with session(server) as socket:
        say(socket, " ", "Hello there, ", "you. And ")
        assert json.loads(socket.recv(SECONDS))["audio"]
        say(socket, "more.", "")
        messages = heard(socket)
    assert (messages[-1]["audio"], messages[-1]["isFinal"]) == (None, True)
    assert socket.close_code == 1000


def test_a_flush_speaks_what_has_not_ended(server: Live) -> None:
    with session(server) as socket:
        say(socket, "Hello")
        say(socket, " there ", flush=True)
        assert json.loads(socket.recv(SECONDS))["audio"]


def test_the_speed_of_the_first_message_is_kept(server: Live) -> None:
    lengths: list[int] = []
    for speed in (1.0, 2.0):
        with session(server) as socket:
            say(socket, " ", voice_settings={"speed": speed, "stability": 0.5})
            say(socket, SENTENCE, "")
            lengths.append(len(sound_of(heard(socket))))
    assert lengths[0] == pytest.approx(2 * lengths[1], rel=0.1)


def test_the_whole_text_is_charged_as_one(server: Live) -> None:
    account, key = server.new_key(credits=10)
    with session(server, key) as socket:
        say(socket, *[SENTENCE] * 60, "")  # 1,320 characters
        heard(socket)
    assert server.account(account).available == 8


def test_no_text_costs_nothing_and_has_no_sound(server: Live) -> None:
    account, key = server.new_key(credits=10)
    with session(server, key) as socket:
        say(socket, " ", "")
        messages = heard(socket)
    assert [message["isFinal"] for message in messages] == [True]
    assert server.account(account).available == 10


def test_what_the_balance_does_not_cover_is_refused_and_the_rest_charged(server: Live) -> None:
    account, key = server.new_key(credits=1)
    with session(server, key) as socket:
        say(socket, SENTENCE, flush=True)
        assert json.loads(socket.recv(SECONDS))["audio"]
        say(socket, SENTENCE * 60, "")
        messages = heard(socket)
    assert (messages[-1]["error"], messages[-1]["code"], socket.close_code) == ("quota_exceeded", 1008, 1008)
    assert server.account(account).available == 0


def test_a_text_longer_than_the_plan_allows_is_refused(server: Live) -> None:
    account, key = server.new_key(plan="pro", credits=100)
    with session(server, key) as socket:
        say(socket, SENTENCE, flush=True)
        assert json.loads(socket.recv(SECONDS))["audio"]
        say(socket, *[SENTENCE * 50] * 5, "")
        messages = heard(socket)
    assert messages[-1]["error"] == "bad_request"
    assert "5000" in messages[-1]["message"]
    assert server.account(account).reserved == 0


def test_a_client_that_leaves_is_charged_what_was_spoken(server: Live) -> None:
    account, key = server.new_key(credits=10)
    with session(server, key) as socket:
        say(socket, SENTENCE, "And ")
        assert json.loads(socket.recv(SECONDS))["audio"]
    with server.client(key) as client:
        for _ in range(200):
            if not server.account(account).reserved:
                break
            client.get("/v1/account/")
    assert (server.account(account).available, server.account(account).reserved) == (9, 0)


def test_a_client_that_leaves_does_not_pay_for_all_that_it_has_sent(server: Live) -> None:
    account, key = server.new_key(credits=10)
    with session(server, key) as socket:
        say(socket, SENTENCE * 400 + "And ")  # 8,800 characters at once
        assert json.loads(socket.recv(SECONDS))["audio"]
    with server.client(key) as client:
        while server.account(account).reserved:
            client.get("/v1/voices/")
    assert 2 < server.account(account).available < 10


def test_an_engine_that_fails_costs_nothing(server: Live) -> None:
    account, key = server.new_key(credits=10)
    with session(server, key) as socket:
        say(socket, "Well, this breaks the engine.", "")
        messages = heard(socket)
    assert messages[-1]["error"] == "internal_error"
    assert "Request id" in messages[-1]["message"]
    assert server.account(account).available == 10


def lasts(sound: bytes) -> float:
    """Milliseconds, of 16-bit samples, mono, at 24 kHz."""
    return len(sound) / 2 / 24


def test_the_time_of_each_character_is_told_with_its_sound(server: Live) -> None:
    parts = (" ", "One two,  three. ", "Four\nfive. ", "And six. ")
    with session(server, query="&sync_alignment=true") as socket:
        say(socket, *parts, "")
        *pieces, last = heard(socket)
    told = [piece["alignment"] for piece in pieces]
    assert "".join(char for piece in told for char in piece["chars"]) == "".join(parts).lstrip()
    assert len(pieces) > 1
    for piece in pieces:
        times = [*zip(piece["alignment"]["charStartTimesMs"], piece["alignment"]["charDurationsMs"], strict=True)]
        ends = [0, *(start + duration for start, duration in times)]
        assert all(abs(start - end) <= 1 for (start, _), end in zip(times, ends[:-1], strict=True))
        assert all(duration >= 0 for _, duration in times)
        assert ends[-1] <= lasts(sound_of([piece])) + 1
        assert piece["normalizedAlignment"] == piece["alignment"]
    assert last == {"audio": None, "isFinal": True, "alignment": None, "normalizedAlignment": None}


def test_the_sound_is_the_same_with_times(server: Live) -> None:
    sounds: list[bytes] = []
    for query in ("", "&sync_alignment=true"):
        with session(server, query=query) as socket:
            say(socket, SENTENCE, SENTENCE, "")
            sounds.append(sound_of(heard(socket)))
    assert sounds[0] == sounds[1]


@pytest.mark.parametrize("message", ["no JSON", "[]", "{}", '{"text": 1}', b"\x00"])
def test_what_is_no_message_is_told(server: Live, message: str | bytes) -> None:
    with session(server) as socket:
        socket.send(message)
        [told] = heard(socket)
    assert (told["error"], socket.close_code) == ("bad_request", 1008)


def test_a_client_that_is_silent_is_told(server: Live) -> None:
    with session(server, query="&inactivity_timeout=1") as socket:
        say(socket, "Hello ")
        [told] = heard(socket)
    assert "No text has come for 1 seconds" in told["message"]


@pytest.mark.parametrize(
    ("key", "voice", "status", "told"),
    [("sk-tts-no", "tone_a", 401, "invalid_api_key"), ("", "nobody", 404, "voice_not_found")],
)
def test_what_is_wrong_at_the_start_is_the_answer_to_the_handshake(
    server: Live, key: str, voice: str, status: int, told: str
) -> None:
    with pytest.raises(InvalidStatus) as caught, session(server, key, voice):
        pass
    answer = caught.value.response
    assert (answer.status_code, json.loads(answer.body or b"")["detail"]["status"]) == (status, told)


@pytest.mark.parametrize("query", ["inactivity_timeout=9999", "output_format=tape"])
def test_a_query_that_is_wrong_is_refused_as_elevenlabs_clients_read_it(server: Live, query: str) -> None:
    with pytest.raises(InvalidStatus) as refused, session(server, query=f"&{query}"):
        pass
    told = json.loads(bytes(refused.value.response.body or b""))["detail"]
    assert (told["status"], told["param"]) == ("bad_request", query.partition("=")[0])


def test_a_client_secret_is_for_realtime_sessions_only(server: Live) -> None:
    made = server.client().post("/v1/realtime/client_secrets/", json={})
    with pytest.raises(InvalidStatus) as refused, session(server, made.json()["value"]):
        pass
    assert refused.value.response.status_code == 401
