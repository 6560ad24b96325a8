"""ElevenLabs' WebSocket for several texts that are still being written."""

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from elevenlabs.types import WebsocketTtsClientMessageMulti, WebsocketTtsServerMessageMulti
from tests.api.test_stream_input import SECONDS, SENTENCE, heard, sound_of
from tests.live import Live
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect


@contextmanager
def session(server: Live, key: str = "", voice: str = "tone_a", query: str = "") -> Generator[ClientConnection]:
    address = f"{server.url.replace('http', 'ws')}/elevenlabs/v1/text-to-speech/{voice}/multi-stream-input"
    headers = {"xi-api-key": key or server.key}
    with connect(f"{address}?output_format=pcm_24000{query}", additional_headers=headers) as socket:
        yield socket


@pytest.fixture
def socket(server: Live) -> Iterator[ClientConnection]:
    with session(server) as opened:
        yield opened


def say(socket: ClientConnection, **fields: Any) -> None:
    """A message, as the type of ElevenLabs' package writes it."""
    socket.send(WebsocketTtsClientMessageMulti(**fields).json(by_alias=True, exclude_unset=True))


def until_final(socket: ClientConnection, context: str) -> list[dict[str, Any]]:
    """The next messages, up to the last one of a context."""
    messages = [json.loads(socket.recv(SECONDS))]
    while not (messages[-1]["isFinal"] and messages[-1]["contextId"] == context):
        messages.append(json.loads(socket.recv(SECONDS)))
    return messages


def of(messages: list[dict[str, Any]], context: str) -> list[dict[str, Any]]:
    return [message for message in messages if message.get("contextId") == context]


def test_two_texts_are_spoken_side_by_side(socket: ClientConnection) -> None:
    for context, text in (("a", SENTENCE), ("b", SENTENCE * 2)):
        say(socket, text=" ", context_id=context)
        say(socket, text=text, context_id=context)
    say(socket, close_socket=True)
    messages = heard(socket)
    one, two = of(messages, "a"), of(messages, "b")
    assert len(sound_of(two)) == pytest.approx(2 * len(sound_of(one)), rel=0.2)
    assert [message["isFinal"] for message in (one[-1], two[-1])] == [True, True]
    assert socket.close_code == 1000


def test_what_is_answered_is_read_by_elevenlabs_own_type(socket: ClientConnection) -> None:
    say(socket, text=SENTENCE, context_id="a", flush=True)
    message = WebsocketTtsServerMessageMulti.model_validate_json(socket.recv(SECONDS))
    assert message.audio
    assert (message.context_id, message.is_final) == ("a", False)


def test_a_text_without_a_name_has_one(socket: ClientConnection) -> None:
    say(socket, text=SENTENCE, flush=True)
    assert json.loads(socket.recv(SECONDS))["contextId"] == "default"


def test_a_context_is_spoken_to_the_end_if_it_was_flushed_and_another_goes_on(socket: ClientConnection) -> None:
    say(socket, text="And ", context_id="b")
    say(socket, text="Hello there", context_id="a")
    say(socket, flush=True, context_id="a")
    say(socket, close_context=True, context_id="a")
    assert sound_of(until_final(socket, "a"))
    say(socket, text="on.", context_id="b", flush=True)
    assert json.loads(socket.recv(SECONDS))["contextId"] == "b"


def test_a_context_that_is_closed_without_a_flush_is_silent_and_charged_only_for_what_was_spoken(server: Live) -> None:
    account, key = server.new_key(credits=100)
    with session(server, key) as socket:
        say(socket, text=SENTENCE * 500 + "And ", context_id="a")  # 11,000 characters: 11 credits
        assert json.loads(socket.recv(SECONDS))["audio"]
        say(socket, close_context=True, context_id="a")
        until_final(socket, "a")
        assert server.account(account).reserved == 0
        assert 89 < server.account(account).available < 100


def test_a_name_can_be_used_again(socket: ClientConnection) -> None:
    for _ in range(2):
        say(socket, text=SENTENCE, context_id="a", flush=True)
        say(socket, close_context=True, context_id="a")
        assert sound_of(until_final(socket, "a"))


def test_each_context_has_the_speed_of_its_first_message(socket: ClientConnection) -> None:
    lengths: list[int] = []
    for speed in (1.0, 2.0):
        say(socket, text=" ", context_id="a", voice_settings={"speed": speed})
        say(socket, text=SENTENCE, context_id="a", flush=True)
        say(socket, close_context=True, context_id="a")
        lengths.append(len(sound_of(until_final(socket, "a"))))
    assert lengths[0] == pytest.approx(2 * lengths[1], rel=0.1)


def test_times_are_told_of_each_context(server: Live) -> None:
    with session(server, query="&sync_alignment=true") as socket:
        for context in ("a", "b"):
            say(socket, text=SENTENCE, context_id=context)
        say(socket, close_socket=True)
        messages = heard(socket)
    for context in ("a", "b"):
        chars = [
            char for message in of(messages, context) if message["audio"] for char in message["alignment"]["chars"]
        ]
        assert "".join(chars) == SENTENCE


def test_more_contexts_than_five_are_refused(socket: ClientConnection) -> None:
    for number in range(6):
        say(socket, text="Hello ", context_id=f"{number}")
    told = heard(socket)[-1]
    assert (told["error"], socket.close_code) == ("bad_request", 1008)
    assert "5 contexts" in told["message"]


def test_a_context_that_is_forgotten_is_spoken_and_over(server: Live) -> None:
    with session(server, query="&inactivity_timeout=1") as socket:
        say(socket, text="Hello ", context_id="a")
        messages = heard(socket)
    assert sound_of(messages)
    assert of(messages, "a")[-1]["isFinal"]
    assert "No text has come for 1 seconds" in messages[-1]["message"]


@pytest.mark.parametrize("fields", [{"text": ""}, {"flush": True}, {"close_context": True}])
def test_what_is_about_no_context_begins_none(socket: ClientConnection, fields: dict[str, Any]) -> None:
    say(socket, context_id="a", **fields)
    say(socket, close_socket=True)
    assert heard(socket) == []


def test_an_engine_that_fails_ends_all(server: Live) -> None:
    account, key = server.new_key(credits=10)
    with session(server, key) as socket:
        say(socket, text="Hello ", context_id="a")
        say(socket, text="Well, this breaks the engine.", context_id="b", flush=True)
        told = heard(socket)[-1]
    assert told["error"] == "internal_error"
    assert (server.account(account).available, server.account(account).reserved) == (10, 0)


@pytest.mark.parametrize("message", ["no JSON", "[]", '{"text": 1}', '{"context_id": 1}', b"\x00"])
def test_what_is_no_message_is_told(socket: ClientConnection, message: str | bytes) -> None:
    socket.send(message)
    [told] = heard(socket)
    assert (told["error"], socket.close_code) == ("bad_request", 1008)


def test_what_is_wrong_at_the_start_is_the_answer_to_the_handshake(server: Live) -> None:
    with pytest.raises(InvalidStatus) as refused, session(server, voice="nobody"):
        pass
    assert refused.value.response.status_code == 404
