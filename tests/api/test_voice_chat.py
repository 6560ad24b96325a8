"""Spoken conversations over HTTP, with a chat model that says what the test tells it to."""

import base64
import json
import re
import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from tests.api.recordings import encoded, heard
from tests.api.test_disconnect import settled
from tests.chat_server import Dies, TestChatServer, chat_server
from tests.listening import Ear, wer
from tests.live import Live, live

from ttsai_server.settings import Chat, Models, Settings

TONE = {"tts_model": "tone", "voice": "tone_a"}
HELLO = {"text": "Hello!", **TONE}

pytestmark = pytest.mark.usefixtures("model")


@pytest.fixture(scope="module")
def chat_model() -> Generator[TestChatServer]:
    with chat_server() as running:
        yield running


@pytest.fixture
def model(chat_model: TestChatServer) -> TestChatServer:
    """The chat model, which has not been asked anything yet."""
    chat_model.answers = [("Hello. ", "How are ", "you?")]
    chat_model.refusal = None
    chat_model.requests.clear()
    chat_model.keys.clear()
    return chat_model


@pytest.fixture(scope="module")
def talking(chat_model: TestChatServer, models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Live]:
    """A server that asks the test's chat model."""
    chat = Chat(base_url=chat_model.url, model="small", api_key="secret", context_tokens=560, max_tokens=100)
    models = Models(dir=models_dir, demo=True, options={"tone": {"fail_on": "this breaks the engine"}})
    with live(Settings(data_dir=tmp_path_factory.mktemp("talking"), models=models, chat=chat)) as running:
        yield running


def turn(server: Live, key: str | None = None, **fields: Any) -> httpx.Response:
    return server.client(key).post("/v1/voice-chat/", json={**HELLO, **fields})


def events(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    """Server-sent events, as they arrive; after an error the connection breaks."""
    with suppress(httpx.RemoteProtocolError):
        yield from (json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: "))


def streamed(server: Live, key: str, **fields: Any) -> list[dict[str, Any]]:
    body = {**HELLO, **fields, "stream": True}
    with server.client(key).stream("POST", "/v1/voice-chat/", json=body) as answer:
        return list(events(answer))


def test_a_turn_is_answered_in_words_and_sound(talking: Live, model: TestChatServer) -> None:
    account, key = talking.new_key(credits=10)
    answer = turn(talking, key)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert list(body) == ["conversation_id", "user_text", "ai_text", "audio_url", "credits_used"]
    assert re.fullmatch(r"conv_[0-9a-f]{32}", body["conversation_id"])
    assert (body["user_text"], body["ai_text"], body["credits_used"]) == ("Hello!", "Hello. How are you?", 3)
    assert (answer.headers["X-Credits-Used"], answer.headers["X-Credits-Remaining"]) == ("3", "7")
    assert talking.account(account).available == 7
    assert (model.requests[0]["model"], model.keys) == ("small", ["Bearer secret"])


def test_the_sound_of_an_answer_is_fetched_without_a_key(talking: Live) -> None:
    url = turn(talking).json()["audio_url"]
    assert re.fullmatch(rf"{talking.url}/v1/audio/tmp/resp_[0-9a-f]{{32}}\.mp3", url)
    sound = httpx.get(url)
    assert (sound.status_code, sound.headers["Content-Type"]) == (200, "audio/mpeg")
    assert heard(sound.content)[1].seconds > 1


def test_three_turns_keep_context(talking: Live, model: TestChatServer) -> None:
    model.answers = [("One.",), ("Two.",), ("Three.",)]
    first = turn(talking, text="A").json()
    turn(talking, text="B", conversation_id=first["conversation_id"])
    turn(talking, text="C", conversation_id=first["conversation_id"])
    said = [("user", "A"), ("assistant", "One."), ("user", "B"), ("assistant", "Two."), ("user", "C")]
    assert model.said[0][0] == "system"
    assert model.said[1:] == said


def test_a_conversation_can_be_read_and_is_listed(talking: Live) -> None:
    client = talking.client(talking.new_key()[1])
    first = client.post("/v1/voice-chat/", json=HELLO).json()["conversation_id"]
    second = client.post("/v1/voice-chat/", json={**HELLO, "system_prompt": "Be brief."}).json()["conversation_id"]
    client.post("/v1/voice-chat/", json={**HELLO, "conversation_id": first})
    listed = client.get("/v1/voice-chat/").json()
    assert [(c["conversation_id"], c["turns"]) for c in listed["conversations"]] == [(first, 2), (second, 1)]
    assert listed["total"] == 2
    read = client.get(f"/v1/voice-chat/{second}").json()
    assert (read["conversation"]["conversation_id"], read["system_prompt"]) == (second, "Be brief.")
    assert [(m["user_text"], m["ai_text"]) for m in read["messages"]] == [("Hello!", "Hello. How are you?")]


def test_what_is_deleted_is_forgotten(talking: Live, model: TestChatServer) -> None:
    client = talking.client()
    body = turn(talking).json()
    id = body["conversation_id"]
    assert client.delete(f"/v1/voice-chat/{id}").status_code == 204
    answers = [client.get(f"/v1/voice-chat/{id}"), client.delete(f"/v1/voice-chat/{id}")]
    answers.append(turn(talking, conversation_id=id))
    answers.append(httpx.get(body["audio_url"]))
    assert [answer.status_code for answer in answers] == [404, 404, 404, 404]
    assert len(model.requests) == 1


def test_an_answer_that_the_model_had_to_cut_is_told(talking: Live, model: TestChatServer) -> None:
    model.answers = [("And so it", {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]})]
    assert "cut: it is as long as the chat model may write" in turn(talking).headers["Warning"]
    *_, done = streamed(talking, talking.key)
    assert [warning.split(":")[0] for warning in done["warnings"]] == ["The answer is cut"]
    model.answers = [("And so on.",)]
    assert "Warning" not in turn(talking).headers
    assert "warnings" not in streamed(talking, talking.key)[-1]


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_kept_of_a_deleted_ones_answers_for_repeated_requests_is_gone_too(talking: Live, stream: bool) -> None:
    client, said = talking.client(), f"A secret, {stream}."
    keyed = {"Idempotency-Key": said}
    body = {**HELLO, "text": said, "stream": stream}
    answer = client.post("/v1/voice-chat/", json=body, headers=keyed)
    id = re.findall(r"conv_[0-9a-f]{32}", answer.text)[0]

    repeated = client.post("/v1/voice-chat/", json=body, headers=keyed)
    assert (repeated.headers["Idempotent-Replayed"], repeated.content) == ("true", answer.content)

    def kept() -> bool:
        return any(said.encode() in file.read_bytes() for file in (talking.settings.data_dir / "answers").iterdir())

    assert kept()
    assert client.delete(f"/v1/voice-chat/{id}").status_code == 204
    assert not kept()


def test_a_conversation_deleted_during_a_turn_stays_deleted(talking: Live, model: TestChatServer) -> None:
    account, key = talking.new_key(credits=10)
    id = turn(talking, key).json()["conversation_id"]
    go_on = threading.Event()
    model.answers = [("Yes. ", go_on, "No.")]
    with talking.client(key).stream(
        "POST", "/v1/voice-chat/", json={**HELLO, "conversation_id": id, "stream": True}
    ) as answer:
        told = events(answer)
        next(told)
        assert talking.client(key).delete(f"/v1/voice-chat/{id}").status_code == 204
        go_on.set()
        assert list(told)[-1]["error"]["code"] == "not_found"
    assert talking.client(key).get(f"/v1/voice-chat/{id}").status_code == 404
    assert settled(talking, account) == 7


def test_another_accounts_conversation_is_not_there(talking: Live) -> None:
    id = turn(talking).json()["conversation_id"]
    other = talking.client(talking.new_key()[1])
    assert other.get(f"/v1/voice-chat/{id}").status_code == 404
    assert other.delete(f"/v1/voice-chat/{id}").status_code == 404
    assert other.post("/v1/voice-chat/", json={**HELLO, "conversation_id": id}).status_code == 404
    assert other.get("/v1/voice-chat/").json() == {"conversations": [], "total": 0}


def test_the_model_is_told_to_speak_the_voices_language_unless_the_client_says_how(
    talking: Live, model: TestChatServer
) -> None:
    id = turn(talking).json()["conversation_id"]
    assert "Answer in English" in model.said[0][1]
    turn(talking, conversation_id=id, system_prompt="You are a pirate.")
    assert model.said[0] == ("system", "You are a pirate.")
    turn(talking, conversation_id=id)
    assert model.said[0] == ("system", "You are a pirate.")


def test_of_a_long_conversation_the_latest_turns_are_kept(talking: Live, model: TestChatServer) -> None:
    model.answers = [("word " * 100,)]
    id = turn(talking, text="first").json()["conversation_id"]
    for text in ("second", "third", "fourth"):
        turn(talking, text=text, conversation_id=id)
    assert [text for role, text in model.said if role == "user"] == ["third", "fourth"]


def test_what_does_not_fit_the_models_context_is_refused(talking: Live) -> None:
    account, key = talking.new_key(credits=10)
    answer = turn(talking, key, text="word " * 500)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "text")
    assert talking.account(account).available == 10


def test_the_first_sound_leaves_before_the_model_has_finished(talking: Live, model: TestChatServer) -> None:
    go_on = threading.Event()
    model.answers = [("It rains. ", "Take an ", go_on, "umbrella.")]
    with talking.client().stream("POST", "/v1/voice-chat/", json={**HELLO, "stream": True}) as answer:
        told = events(answer)
        before = [next(told)]
        while before[-1]["type"] != "audio.delta":
            before.append(next(told))
        assert not go_on.is_set()
        go_on.set()
        after = list(told)
    assert [event["type"] for event in before[:2]] == ["user_text", "text.delta"]
    done = after[-1]
    assert (done["type"], done["ai_text"]) == ("done", "It rains. Take an umbrella.")
    assert done["conversation_id"] == before[0]["conversation_id"]
    sound = b"".join(base64.b64decode(e["delta"]) for e in before + after if e["type"] == "audio.delta")
    assert sound == httpx.get(done["audio_url"]).content


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_dies_in_the_middle_is_an_error_and_costs_nothing(
    talking: Live, model: TestChatServer, stream: bool
) -> None:
    account, key = talking.new_key(credits=10)
    model.answers = [("It rains. ", "Take an ", Dies())]
    if stream:
        error = streamed(talking, key)[-1]["error"]
    else:
        answer = turn(talking, key)
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
        error = answer.json()["error"]
    assert error["code"] == "model_loading"
    assert "stopped in the middle" in error["message"]
    assert settled(talking, account) == 10
    assert talking.client(key).get("/v1/voice-chat/").json()["total"] == 0


def test_a_voice_that_fails_is_an_error_and_costs_nothing(talking: Live, model: TestChatServer) -> None:
    account, key = talking.new_key(credits=10)
    model.answers = [("It rains. ", "Then this breaks the engine. ", "And so on.")]
    assert turn(talking, key).status_code == 500
    assert settled(talking, account) == 10


@pytest.mark.parametrize(("status", "again"), [(401, False), (404, False), (500, True), (429, True)])
def test_a_model_that_refuses_is_503(talking: Live, model: TestChatServer, status: int, again: bool) -> None:
    model.refusal = status
    answer = turn(talking, stream=True)
    assert answer.status_code == 503
    assert ("Retry-After" in answer.headers, answer.headers.get("X-Should-Retry")) == (
        again,
        None if again else "false",
    )


def test_a_chat_server_that_is_not_there_is_503(tmp_path: Path) -> None:
    with chat_server() as gone:
        url = gone.url
    with live(Settings(data_dir=tmp_path, models=Models(demo=True), chat=Chat(base_url=url, model="m"))) as running:
        answer = turn(running)
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)


@pytest.mark.parametrize("named", ["", "tone", "qwen"])
def test_without_a_chat_model_it_is_503_that_says_what_to_configure(named: str, tmp_path: Path) -> None:
    with live(Settings(data_dir=tmp_path, models=Models(demo=True), chat=Chat(model=named))) as running:
        answer = turn(running)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "model_loading")
    assert (answer.headers["X-Should-Retry"], "Retry-After" in answer.headers) == ("false", False)
    assert "chat.base_url" in answer.json()["error"]["message"]


def test_what_the_model_thinks_aloud_is_neither_told_nor_spoken(talking: Live, model: TestChatServer) -> None:
    model.answers = [
        ("<think>They greet", " me. So do I.</think>", "\n\nHello."),
    ]
    body = turn(talking).json()
    assert body["ai_text"] == "Hello."
    assert heard(httpx.get(body["audio_url"]).content)[1].seconds < 2


def test_a_null_of_the_chat_server_counts_as_absent(talking: Live, model: TestChatServer) -> None:
    nothing: dict[str, Any] = {"choices": [{"index": 0, "delta": None, "finish_reason": None}]}
    model.answers = [("Hello.", {"choices": None, "usage": {"total_tokens": 5}}, nothing)]
    assert turn(talking).json()["ai_text"] == "Hello."


def test_a_model_that_says_nothing_is_an_error(talking: Live, model: TestChatServer) -> None:
    model.answers = [(" ", "…")]
    assert turn(talking).status_code == 500


def test_a_client_that_leaves_once_it_has_heard_something_pays_the_turn(talking: Live, model: TestChatServer) -> None:
    account, key = talking.new_key(credits=10)
    never = threading.Event()
    model.answers = [("It rains. ", "Take an ", never, "umbrella.")]
    with talking.client(key).stream("POST", "/v1/voice-chat/", json={**HELLO, "stream": True}) as answer:
        next(event for event in events(answer) if event["type"] == "audio.delta")
    assert settled(talking, account) == 7
    never.set()


@pytest.mark.parametrize(
    ("fields", "param", "status"),
    [
        ({"text": None}, "text", 400),
        ({"text": " \n"}, "text", 400),
        ({"text": "x" * 60_000}, "text", 400),
        ({"text": 5}, "text", 400),
        ({"speed": 3}, "speed", 400),
        ({"system_prompt": "Be \0brief."}, "system_prompt", 400),
        ({"voice": "nobody"}, "voice", 404),
        ({"tts_model": "nothing"}, "model", 404),
        ({"conversation_id": "conv_" + "0" * 32}, None, 404),
        ({"conversation_id": "\0"}, None, 404),
    ],
)
def test_what_is_wrong_is_found_before_the_model_is_asked(
    talking: Live, model: TestChatServer, fields: dict[str, Any], param: str | None, status: int
) -> None:
    answer = turn(talking, **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)
    assert model.requests == []


def test_a_form_with_text_is_the_same(talking: Live) -> None:
    form = {**HELLO, "speed": "1.5", "stream": "false"}
    answer = talking.client().post("/v1/voice-chat/", data=form)
    assert (answer.status_code, answer.json()["ai_text"]) == (200, "Hello. How are you?")


def test_an_empty_field_of_a_form_counts_as_absent(talking: Live) -> None:
    empty = dict.fromkeys(("conversation_id", "system_prompt", "language", "stt_model"), "")
    answer = talking.client().post("/v1/voice-chat/", data={**HELLO, **empty})
    assert (answer.status_code, answer.json()["ai_text"]) == (200, "Hello. How are you?")


def test_text_and_audio_together_are_refused(talking: Live) -> None:
    answer = talking.client().post("/v1/voice-chat/", data=HELLO, files={"audio": ("a.wav", b"x")})
    assert answer.status_code == 400


@pytest.mark.usefixtures("base_weights")
def test_a_recording_in_which_nothing_is_said_is_refused(talking: Live, model: TestChatServer) -> None:
    silence = encoded(np.zeros((32_000, 1), np.float32), 16_000)
    answer = talking.client().post("/v1/voice-chat/", data=TONE, files={"audio": ("a.flac", silence)})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "audio")
    assert model.requests == []


def test_a_file_that_is_no_sound_is_refused_under_its_name(talking: Live) -> None:
    answer = talking.client().post("/v1/voice-chat/", data=TONE, files={"audio": ("a.wav", b"a letter " * 50)})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "audio")


@pytest.mark.usefixtures("base_weights", "kokoro_weights")
def test_what_is_spoken_is_heard_and_markdown_is_answered_without_its_signs(
    talking: Live, model: TestChatServer, ear: Ear
) -> None:
    client = talking.client()
    question = client.post(
        "/v1/tts/", json={"model": "kokoro", "voice": "am_adam", "text": "How do I make a cup of tea?"}
    )
    model.answers = [
        ("**Boil** the wa", "ter. Then:\n\n", "- Put in the *tea*\n", "- Wait for `four` minutes\n\n", "## Enjoy it")
    ]
    answer = client.post("/v1/voice-chat/", files={"audio": ("q.mp3", BytesIO(question.content))})
    assert answer.status_code == 200, answer.text
    assert wer("How do I make a cup of tea?", answer.json()["user_text"]) == 0
    said = ear.listen(httpx.get(answer.json()["audio_url"]).content)
    assert wer("Boil the water. Then put in the tea. Wait for four minutes. Enjoy it.", said) < 0.15
