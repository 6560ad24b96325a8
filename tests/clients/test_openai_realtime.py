"""Spoken conversations by OpenAI's clients for Python, unmodified, with real voices and ears."""

import asyncio
import threading
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import soxr
from agents.realtime import RealtimeAgent, RealtimeRunner
from agents.tool import function_tool
from numpy.typing import NDArray
from openai import AsyncOpenAI
from tests.api.test_disconnect import settled
from tests.chat_server import TestChatServer
from tests.clients.conftest import TEXT
from tests.listening import Ear, wer
from tests.live import Live
from tests.realtime import SECONDS, kinds, output, sound_of, talk

from ttsai_server.audio import g711
from ttsai_server.domain import Audio

RATE = 24_000
SILENCE = bytes(2 * RATE)
"""A second of it."""
ANSWER = "Then let us go for a walk in the park."


@pytest.fixture
def model(chat_model: TestChatServer) -> TestChatServer:
    chat_model.answers = [(ANSWER,)]
    chat_model.requests.clear()
    return chat_model


@pytest.fixture(scope="session")
def speech(clip: bytes) -> bytes:
    """TEXT as PCM of 24 kHz."""
    return clip[44:]


def heard(ear: Ear, samples: NDArray[np.int16], rate: int) -> str:
    return ear.listen(Audio((samples / 32768).astype(np.float32)[:, None], rate))


async def test_what_is_said_is_detected_heard_and_answered_aloud(
    real: Live, model: TestChatServer, speech: bytes, ear: Ear
) -> None:
    account, key = real.new_key(credits=10)
    async with talk(real, key) as session:
        await session.configure(audio={"input": {"transcription": {"model": "whisper-1", "language": "en"}}})
        await session.hear(SILENCE + speech + SILENCE)
        events = await session.until("response.done")
    began, ended = (next(e for e in events if e["type"].endswith(kind)) for kind in ("started", "stopped"))
    seconds = len(speech) / 2 / RATE
    assert 500 <= began["audio_start_ms"] <= 1200
    assert abs(ended["audio_end_ms"] - 1000 * (1.5 + seconds)) < 700
    assert kinds(events)[:6] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
    ]
    told = next(event for event in events if event["type"].endswith("transcription.completed"))
    assert wer(TEXT, told["transcript"]) <= 0.12
    assert model.said[-1] == ("user", told["transcript"])
    assert wer(ANSWER, heard(ear, np.frombuffer(sound_of(events), np.int16), RATE)) <= 0.12
    assert real.account(account).available == 7


async def test_telephone_sound_both_ways(real: Live, model: TestChatServer, speech: bytes, ear: Ear) -> None:
    sound = soxr.resample(np.frombuffer(speech, np.int16), RATE, g711.RATE)
    async with talk(real) as session:
        mu, a = ({"format": {"type": type}} for type in ("audio/pcmu", "audio/pcma"))
        await session.configure(audio={"input": {**mu, "turn_detection": None}, "output": a})
        await session.hear(g711.encode(sound, "mu"))
        await session.send("input_audio_buffer.commit")
        events = await session.answer()
    assert wer(TEXT, model.said[-1][1]) <= 0.12
    assert wer(ANSWER, heard(ear, g711.decode(sound_of(events), "a"), g711.RATE)) <= 0.12


async def test_who_speaks_in_between_interrupts(real: Live, model: TestChatServer, speech: bytes) -> None:
    go_on = threading.Event()
    model.answers = [("Well, it is so. ", "And", go_on, " on it goes."), (ANSWER,)]
    async with talk(real) as session:
        await session.configure()
        await session.say("Tell me a story.")
        await session.send("response.create")
        await session.until("response.output_audio.delta")
        await session.hear(SILENCE + speech)
        events = await session.until("response.done")
        assert events[-1]["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        assert "input_audio_buffer.speech_started" in kinds(events)
        go_on.set()
        item = output(events)[0]["id"]
        await session.send("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=300)
        await session.told("conversation.item.truncated")
        await session.hear(SILENCE)
        answered = await session.until("response.done")
    assert answered[-1]["response"]["status"] == "completed"
    told = [text for role, text in model.said if role == "assistant"]
    assert "on it goes" not in "".join(told)


async def test_what_is_heard_without_an_answer_is_paid_by_its_length(real: Live, speech: bytes) -> None:
    account, key = real.new_key(credits=10)
    async with talk(real, key) as session:
        await session.configure(audio={"input": {"turn_detection": None, "transcription": {}}})
        await session.hear(speech)
        await session.send("input_audio_buffer.commit")
        await session.told("conversation.item.input_audio_transcription.completed")
        assert real.account(account).reserved == 2
    assert settled(real, account) == 8


async def test_a_turn_that_is_stopped_before_its_answer_costs_what_hearing_it_costs(
    real: Live, model: TestChatServer, speech: bytes
) -> None:
    go_on = threading.Event()
    model.answers = [(go_on, "Never.")]
    account, key = real.new_key(credits=10)
    async with talk(real, key) as session:
        await session.configure(audio={"input": {"transcription": {}}})
        await session.hear(SILENCE + speech + SILENCE)
        await session.told("response.created")
        await session.send("response.cancel")
        ends = {"response.done", "conversation.item.input_audio_transcription.completed"}
        while not ends <= {event["type"] for event in session.seen}:
            await session.next()
    go_on.set()
    assert settled(real, account) == 8


async def test_a_transcription_session_tells_what_is_said_and_answers_nothing(real: Live, speech: bytes) -> None:
    account, key = real.new_key(credits=10)
    async with talk(real, key, intent="transcription") as session:
        settings = {"type": "transcription", "audio": {"input": {"transcription": {"model": "whisper-1"}}}}
        await session.send("session.update", session=settings)
        assert (await session.told("session.updated"))["session"]["type"] == "transcription"
        await session.hear(SILENCE + speech + SILENCE)
        events = await session.until("conversation.item.input_audio_transcription.completed")
        deltas = [event["delta"] for event in events if event["type"].endswith("transcription.delta")]
        assert "".join(deltas) == events[-1]["transcript"]
        assert wer(TEXT, events[-1]["transcript"]) <= 0.12
        assert kinds(events)[0] == "input_audio_buffer.speech_started"
        assert kinds(events).index("input_audio_buffer.speech_stopped") < kinds(events).index(
            "input_audio_buffer.committed"
        )
        await session.send("response.create")
        assert (await session.told("error"))["error"]["code"] == "invalid_value"
    assert settled(real, account) == 8


async def test_a_client_secret_opens_sessions_of_its_configuration(real: Live, model: TestChatServer) -> None:
    async with AsyncOpenAI(base_url=f"{real.url}/v1", api_key=real.key) as client:
        session: Any = {"type": "realtime", "instructions": "Be kind.", "output_modalities": ["text"]}
        secret = await client.realtime.client_secrets.create(session=session)
    assert secret.value.startswith("ek_")
    async with talk(real, secret.value) as opened:
        assert opened.seen[0]["session"]["instructions"] == "Be kind."
        await opened.say("Hello!")
        events = await opened.answer()
    assert output(events)[0]["content"][0]["text"] == ANSWER
    assert model.said[0] == ("system", "Be kind.")


async def test_openais_agents_speak_and_call_functions(real: Live, model: TestChatServer, speech: bytes) -> None:
    @function_tool
    def weather(city: str) -> str:
        """The weather in a city."""
        return f"It is sunny in {city}."

    call = {"index": 0, "id": "call_1", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
    asks = {"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]}
    model.answers = [(asks,), (ANSWER,)]
    agent = RealtimeAgent(name="guide", instructions="You are a guide.", tools=[weather])
    runner = RealtimeRunner(agent)
    url = f"{real.url.replace('http', 'ws')}/v1/realtime?model=gpt-realtime"
    sound, results = BytesIO(), list[str]()
    async with await runner.run(model_config={"url": url, "api_key": real.key}) as session, asyncio.timeout(SECONDS):
        await session.send_audio(SILENCE + speech + SILENCE + SILENCE)
        async for event in session:
            if event.type == "tool_end":
                results.append(event.output)
            elif event.type == "audio":
                sound.write(event.audio.data)
            elif event.type == "audio_end":
                break
            elif event.type == "error":
                raise AssertionError(event.error)
    assert results == ["It is sunny in Rome."]
    assert model.requests[-1]["messages"][-1]["content"] == "It is sunny in Rome."
    assert len(sound.getvalue()) > RATE
