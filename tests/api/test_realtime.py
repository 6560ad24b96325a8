"""Realtime sessions, with a chat model that says what the test tells it to, and a voice of tones."""

import asyncio
import json
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from tests.chat_server import Dies, TestChatServer, chat_server
from tests.live import Live, live
from tests.realtime import kinds, output, sound_of, talk

from ttsai_server.engines.tone import SECONDS_PER_CHARACTER
from ttsai_server.settings import Chat, Models, Settings

VOICE = {"output": {"voice": "tone_a"}}

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
    return chat_model


@pytest.fixture(scope="module")
def talking(chat_model: TestChatServer, models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Live]:
    """A server that asks the test's chat model."""
    chat = Chat(base_url=chat_model.url, model="small", context_tokens=560, max_tokens=100, max_seconds=2)
    models = Models(dir=models_dir, demo=True, options={"tone": {"fail_on": "this breaks the engine"}})
    with live(Settings(data_dir=tmp_path_factory.mktemp("talking"), models=models, chat=chat)) as running:
        yield running


async def test_a_text_is_answered_in_text(talking: Live) -> None:
    account, key = talking.new_key(credits=10)
    async with talk(talking, key) as session:
        await session.configure(output_modalities=["text"])
        await session.say("Hello!")
        events = await session.answer()
    assert kinds(events) == [
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    assert events[-1]["response"]["status"] == "completed"
    assert [part["text"] for item in output(events) for part in item["content"]] == ["Hello. How are you?"]
    assert talking.account(account).available == 7


async def test_a_text_is_answered_aloud_with_its_transcript(talking: Live) -> None:
    async with talk(talking) as session:
        await session.configure(audio=VOICE)
        await session.say("Hello!")
        events = await session.answer()
    assert kinds(events)[4:6] == ["response.content_part.added", "response.output_audio_transcript.delta"]
    assert kinds(events)[-6:] == [
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    assert output(events)[0]["content"] == [{"type": "output_audio", "transcript": "Hello. How are you?"}]
    assert len(sound_of(events)) / 2 / 24_000 == pytest.approx(19 * SECONDS_PER_CHARACTER, abs=0.5)


async def test_sound_comes_while_the_model_still_writes(talking: Live, model: TestChatServer) -> None:
    go_on = threading.Event()
    model.answers = [("First this. ", "Then", go_on, " that.")]
    async with talk(talking) as session:
        await session.configure(audio=VOICE)
        await session.say("Hello!")
        await session.send("response.create")
        events = await session.until("response.output_audio.delta")
        assert "response.output_audio_transcript.done" not in kinds(events)
        go_on.set()
        assert output(await session.until("response.done"))[0]["content"][0]["transcript"] == "First this. Then that."


async def test_three_turns_keep_context(talking: Live, model: TestChatServer) -> None:
    model.answers = [("One.",), ("Two.",), ("Three.",)]
    async with talk(talking) as session:
        await session.configure(output_modalities=["text"], instructions="Count.")
        for text in "ABC":
            await session.say(text)
            await session.answer()
    said = [("user", "A"), ("assistant", "One."), ("user", "B"), ("assistant", "Two."), ("user", "C")]
    assert model.said == [("system", "Count."), *said]


async def test_a_response_that_is_cancelled_ends_at_once_and_costs_what_was_made(
    talking: Live, model: TestChatServer
) -> None:
    go_on = threading.Event()
    model.answers = [("First this. ", "Then", go_on, " that."), ("Yes.",)]
    account, key = talking.new_key(credits=10)
    async with talk(talking, key) as session:
        await session.configure(output_modalities=["text"])
        await session.say("Hello!")
        await session.send("response.create")
        await session.until("response.output_text.delta")
        await session.send("response.cancel")
        events = await session.until("response.done")
        go_on.set()
        assert events[-1]["response"]["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
        assert [item["status"] for item in output(events)] == ["incomplete"]
        assert talking.account(account).available == 7
        await session.say("And now?")
        assert output(await session.answer())[0]["content"][0]["text"] == "Yes."


async def test_a_response_cancelled_before_anything_is_made_costs_nothing(talking: Live, model: TestChatServer) -> None:
    go_on = threading.Event()
    model.answers = [(go_on, "Never.")]
    account, key = talking.new_key(credits=10)
    async with talk(talking, key) as session:
        await session.configure(output_modalities=["text"])
        await session.say("Hello!")
        await session.send("response.create")
        await session.until("response.created")
        await session.send("response.cancel")
        assert (await session.told("response.done"))["response"]["output"] == []
        go_on.set()
    assert talking.account(account).available == 10


async def test_a_function_is_called_and_its_result_answered(talking: Live, model: TestChatServer) -> None:
    def part(**call: Any) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, **call}]}, "finish_reason": None}]}

    begins = part(id="call_1", type="function", function={"name": "weather", "arguments": '{"city"'})
    model.answers = [(begins, part(function={"arguments": ': "Rome"}'})), ("It is sunny.",)]
    tool = {"type": "function", "name": "weather", "description": "Of a city.", "parameters": {"type": "object"}}
    async with talk(talking) as session:
        await session.configure(tools=[tool], audio=VOICE)
        await session.say("How is the weather in Rome?")
        events = await session.answer()
        call = output(events)[0]
        assert kinds(events)[2:6] == [
            "response.output_item.added",
            "conversation.item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
        ]
        assert (call["name"], call["call_id"], call["arguments"]) == ("weather", "call_1", '{"city": "Rome"}')
        result = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}
        await session.send("conversation.item.create", item=result)
        await session.told("conversation.item.done")
        answered = await session.answer()
    assert output(answered)[0]["content"][0]["transcript"] == "It is sunny."
    assert model.requests[0]["tools"] == [
        {"type": "function", "function": {name: tool[name] for name in ("name", "description", "parameters")}}
    ]
    *_, asked, told = model.requests[1]["messages"]
    assert asked["tool_calls"][0]["function"] == {"name": "weather", "arguments": '{"city": "Rome"}'}
    assert told == {"role": "tool", "content": "sunny", "tool_call_id": "call_1"}


WRONG: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "a cancel with nothing under way": ({"type": "response.cancel"}, "response_cancel_not_active", None),
    "no type": ({}, "invalid_event", "type"),
    "an unknown type": ({"type": "response.audio"}, "invalid_value", "type"),
    "a field too many": ({"type": "response.cancel", "why": 1}, "unknown_parameter", "why"),
    "a field too few": ({"type": "conversation.item.delete"}, "missing_required_parameter", "item_id"),
    "an item that is none": ({"type": "conversation.item.retrieve", "item_id": "x"}, "item_not_found", "item_id"),
    "an item of no type": (
        {"type": "conversation.item.create", "item": {}},
        "missing_required_parameter",
        "item.type",
    ),
    "a commit of nothing": ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty", None),
    "sound that is no base64": ({"type": "input_audio_buffer.append", "audio": "?"}, "invalid_value", "audio"),
    "half a sample": ({"type": "input_audio_buffer.append", "audio": "AA=="}, "invalid_value", "audio"),
    "another session": (
        {"type": "session.update", "session": {"type": "transcription"}},
        "invalid_value",
        "session.type",
    ),
    "a voice that is none": (
        {"type": "session.update", "session": {"type": "realtime", "audio": {"output": {"voice": "nobody"}}}},
        "invalid_value",
        "session.audio.output.voice",
    ),
    "a speed too high": (
        {"type": "session.update", "session": {"type": "realtime", "audio": {"output": {"speed": 3}}}},
        "invalid_value",
        "session.audio.output.speed",
    ),
    "an unknown setting": (
        {"type": "session.update", "session": {"type": "realtime", "temperature": 1}},
        "unknown_parameter",
        "session.temperature",
    ),
    "a model that hears nothing": (
        {
            "type": "session.update",
            "session": {"type": "realtime", "audio": {"input": {"transcription": {"model": "kokoro"}}}},
        },
        "invalid_value",
        "session.audio.input.transcription.model",
    ),
}


async def test_what_is_wrong_is_told_by_openais_codes_and_the_session_goes_on(talking: Live) -> None:
    async with talk(talking) as session:
        for number, (event, _, _) in enumerate(WRONG.values()):
            await session.connection.send_raw(json.dumps({**event, "event_id": f"mine_{number}"}))
        told = [(await session.told("error"))["error"] for _ in WRONG]
        await session.connection.send_raw("{")
        assert (await session.told("error"))["error"]["code"] == "invalid_json"
    assert [(each["code"], each["param"]) for each in told] == [(code, param) for _, code, param in WRONG.values()]
    assert [each["event_id"] for each in told] == [f"mine_{number}" for number in range(len(WRONG))]


async def test_no_more_sound_is_kept_than_a_turn_may_have(talking: Live) -> None:
    async with talk(talking) as session:
        await session.configure(audio={"input": {"turn_detection": None}})
        await session.hear(bytes(3 * 48_000))
        assert (await session.told("error"))["error"]["code"] == "input_audio_buffer_full"
        await session.send("input_audio_buffer.clear")
        await session.told("input_audio_buffer.cleared")
        await session.hear(bytes(48_000))


async def test_only_one_response_is_under_way(talking: Live, model: TestChatServer) -> None:
    go_on = threading.Event()
    model.answers = [("One.", go_on)]
    async with talk(talking) as session:
        await session.configure(output_modalities=["text"])
        await session.say("Hello!")
        await session.send("response.create")
        await session.until("response.output_text.delta")
        await session.send("response.create")
        error = (await session.told("error"))["error"]
        assert error["code"] == "conversation_already_has_active_response"
        go_on.set()
        assert (await session.told("response.done"))["response"]["status"] == "completed"


async def test_a_heard_part_is_all_that_is_kept_of_a_truncated_answer(talking: Live, model: TestChatServer) -> None:
    model.answers = [("One two three four. ", "Five six seven eight."), ("Yes.",)]
    async with talk(talking) as session:
        await session.configure(audio=VOICE)
        await session.say("Count!")
        item = output(await session.answer())[0]
        place = {"item_id": item["id"], "content_index": 0}
        await session.send("conversation.item.truncate", **place, audio_end_ms=60_000)
        assert (await session.told("error"))["error"]["param"] == "audio_end_ms"
        await session.send("conversation.item.truncate", **place, audio_end_ms=1500)
        assert (await session.told("conversation.item.truncated"))["audio_end_ms"] == 1500
        await session.send("conversation.item.retrieve", item_id=item["id"])
        kept = (await session.told("conversation.item.retrieved"))["item"]["content"][0]["transcript"]
        await session.say("And?")
        await session.answer()
    assert kept.startswith("One two three four.")
    assert "eight" not in kept
    assert ("assistant", kept) in model.said


async def test_items_can_be_put_anywhere_and_deleted(talking: Live, model: TestChatServer) -> None:
    def message(id: str, role: str, type: str) -> dict[str, Any]:
        return {"id": id, "type": "message", "role": role, "content": [{"type": type, "text": id}]}

    async with talk(talking) as session:
        await session.configure(output_modalities=["text"], instructions="Be brief.")
        await session.send("conversation.item.create", item=message("b", "user", "input_text"))
        await session.send("conversation.item.create", item=message("c", "assistant", "output_text"))
        await session.send(
            "conversation.item.create", item=message("a", "assistant", "output_text"), previous_item_id="root"
        )
        await session.send("conversation.item.create", item=message("d", "user", "input_text"))
        await session.send("conversation.item.delete", item_id="c")
        await session.told("conversation.item.deleted")
        await session.answer()
    assert model.said == [("system", "Be brief."), ("assistant", "a"), ("user", "b\nd")]


async def test_a_response_out_of_the_conversation_leaves_it_as_it_was(talking: Live, model: TestChatServer) -> None:
    async with talk(talking) as session:
        await session.configure(output_modalities=["text"])
        await session.say("Hello!")
        content = [{"type": "input_text", "text": "Is it a greeting?"}]
        given = [{"type": "message", "role": "user", "content": content}]
        options: dict[str, Any] = {"input": given, "instructions": "Say yes or no.", "metadata": {"topic": "kind"}}
        events = await session.answer(conversation="none", **options)
        assert events[-1]["response"]["metadata"] == {"topic": "kind"}
        assert "conversation.item.added" not in kinds(events)
        assert model.said == [("system", "Say yes or no."), ("user", "Is it a greeting?")]
        await session.answer()
    assert [role for role, _ in model.said] == ["system", "user"]


async def test_an_answer_as_long_as_it_may_be_is_incomplete(talking: Live, model: TestChatServer) -> None:
    model.answers = [("And so", {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]})]
    async with talk(talking) as session:
        await session.configure(output_modalities=["text"], max_output_tokens=16)
        await session.say("Hello!")
        response = (await session.answer())[-1]["response"]
    assert (response["status"], response["status_details"]["reason"]) == ("incomplete", "max_output_tokens")
    assert model.requests[-1]["max_tokens"] == 16


async def test_a_turn_that_fails_costs_nothing_and_the_next_one_works(talking: Live, model: TestChatServer) -> None:
    model.answers = [("Yes. ", "But this breaks the engine."), (Dies(),), ("Well.",)]
    account, key = talking.new_key(credits=10)
    async with talk(talking, key) as session:
        await session.configure(audio=VOICE)
        await session.say("Hello!")
        first, second, third = [(await session.answer())[-1]["response"] for _ in range(3)]
    assert [each["status"] for each in (first, second, third)] == ["failed", "failed", "completed"]
    assert [each["status_details"]["error"]["code"] for each in (first, second)] == ["internal_error", "model_loading"]
    assert "engine" not in first["status_details"]["error"]["message"]
    assert talking.account(account).available == 7


async def test_without_credits_there_is_an_error_and_the_session_stays(talking: Live) -> None:
    _, key = talking.new_key(credits=2)
    async with talk(talking, key) as session:
        await session.configure(output_modalities=["text"])
        await session.say("Hello!")
        await session.send("response.create", event_id="mine")
        error = (await session.told("error"))["error"]
        assert (error["code"], error["type"]) == ("insufficient_credits", "insufficient_quota")
        assert error["event_id"] == "mine"
        await session.say("Still there?")


async def test_a_revoked_key_gets_no_more_answers(talking: Live) -> None:
    _, key = talking.new_key()
    async with talk(talking, key) as session:
        await session.configure(output_modalities=["text"])
        await session.say("Hello!")
        client = talking.client(key)
        assert client.delete(f"/v1/account/keys/{client.get('/v1/account/keys/').json()['keys'][0]['id']}").is_success
        await session.send("response.create")
        assert (await session.told("error"))["error"]["code"] == "unauthorized"


async def test_turns_count_among_the_requests_of_the_plan(talking: Live) -> None:
    _, key = talking.new_key(plan="pro")
    async with talk(talking, key) as session:
        await session.configure(output_modalities=["text"])
        await session.say("Hello!")
        limits = next(event for event in await session.answer() if event["type"] == "rate_limits.updated")
        assert [(each["name"], each["limit"], each["remaining"]) for each in limits["rate_limits"]] == [
            ("requests", 60, 58)
        ]
        client = talking.client(key)
        while client.get("/v1/models/").status_code == 200:
            pass
        await session.send("response.create")
        assert (await session.told("error"))["error"]["code"] == "rate_limited"


async def test_twenty_sessions_at_once_are_each_answered(talking: Live, model: TestChatServer) -> None:
    async def one(key: str) -> str:
        async with talk(talking, key) as session:
            await session.configure(audio=VOICE)
            await session.say("Hello!")
            return output(await session.answer())[0]["content"][0]["transcript"]

    _, key = talking.new_key()
    assert await asyncio.gather(*(one(key) for _ in range(20))) == ["Hello. How are you?"] * 20
