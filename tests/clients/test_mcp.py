"""The Model Context Protocol, by the client of its own SDK, in today's form and in that of earlier clients."""

import base64
import json
import wave
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any, Literal

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from tests.clients.conftest import TEXT
from tests.listening import Ear, wer
from tests.live import Live

from ttsai_server.api import mcp_tools

Mode = Literal["auto", "legacy"]


@asynccontextmanager
async def client_of(server: Live, key: str = "", mode: Mode = "auto") -> AsyncGenerator[Client]:
    headers = {"Authorization": f"Bearer {key or server.key}"}
    http = httpx2.AsyncClient(headers=headers, timeout=300)
    async with http, Client(streamable_http_client(f"{server.url}/mcp", http_client=http), mode=mode) as client:
        yield client


def sound_of(result: Any) -> bytes:
    return base64.b64decode(result.content[0].data)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_tools_tell_what_they_take(server: Live, mode: Mode) -> None:
    async with client_of(server, mode=mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == {"speak", "transcribe", "list_voices"}
    assert tools["speak"].input_schema["required"] == ["text"]
    for tool in tools.values():
        assert tool.description
        assert all(field["description"] for field in tool.input_schema["properties"].values())


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_speech_is_made_and_paid_by_the_callers_key(server: Live, mode: Mode) -> None:
    account, key = server.new_key(credits=10)
    async with client_of(server, key, mode) as client:
        result: Any = await client.call_tool("speak", {"text": "La la.", "voice": "tone_a", "format": "wav"})
    assert not result.is_error
    assert result.content[0].mime_type == "audio/wav"
    with wave.open(BytesIO(sound_of(result))) as file:
        seconds = file.getnframes() / file.getframerate()
    told = result.structured_content
    assert told == {"seconds": pytest.approx(seconds, abs=0.002), "language": "en", "credits_used": 1}
    assert server.account(account).available == 9


async def test_voices_are_listed_that_can_speak_now(server: Live) -> None:
    async with client_of(server) as client:
        result: Any = await client.call_tool("list_voices", {"language": "en", "gender": "neutral"})
    voices = result.structured_content["voices"]
    assert {"tone_a", "tone_c"} <= {voice["id"] for voice in voices}
    assert {voice["gender"] for voice in voices} == {"neutral"}
    assert json.loads(result.content[0].text) == result.structured_content


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("speak", {}, "'text' is required."),
        ("speak", {"text": "La.", "voice": "nobody"}, "Unknown voice"),
        ("speak", {"text": "La.", "voice": "tone_a", "speed": 9}, "'speed'"),
        ("transcribe", {"audio": "no base64"}, "base64"),
        ("transcribe", {"audio": ""}, "empty"),
        ("list_voices", {"gender": "robot"}, "'gender'"),
        ("sing", {}, "There is no tool"),
    ],
)
async def test_what_is_wrong_is_told_to_the_agent(
    server: Live, tool: str, arguments: dict[str, Any], told: str
) -> None:
    async with client_of(server) as client:
        result: Any = await client.call_tool(tool, arguments)
    assert result.is_error
    assert told in result.content[0].text


async def test_who_cannot_pay_is_told(server: Live) -> None:
    async with client_of(server, server.new_key(credits=0)[1]) as client:
        result: Any = await client.call_tool("speak", {"text": "La la.", "voice": "tone_a"})
    assert result.is_error
    assert "costs 1 credits; 0 are available" in result.content[0].text


async def test_an_exception_is_not_told(server: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> Any:
        raise RuntimeError("in /srv/secret")

    kind, _, hints = mcp_tools.TOOLS["list_voices"]
    monkeypatch.setitem(mcp_tools.TOOLS, "list_voices", (kind, fail, hints))
    async with client_of(server) as client:
        result: Any = await client.call_tool("list_voices", {})
    assert result.is_error
    assert "Request id" in result.content[0].text
    assert "secret" not in result.content[0].text


async def test_speech_that_is_too_long_for_one_answer_costs_nothing(
    server: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcp_tools, "MOST_SOUND_BYTES", 1000)
    account, key = server.new_key(credits=10)
    async with client_of(server, key) as client:
        result: Any = await client.call_tool("speak", {"text": "La la.", "voice": "tone_a", "format": "wav"})
    assert result.is_error
    assert "ask for mp3" in result.content[0].text
    assert server.account(account).available == 10


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_there_are_no_sessions_to_listen_to_or_to_end(server: Live, method: str) -> None:
    answer = server.client().request(method, "/mcp")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_without_a_key_nothing_is_told(server: Live) -> None:
    answer = httpx.post(f"{server.url}/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")


async def test_an_agent_speaks_and_listens(real: Live, clip: bytes, ear: Ear) -> None:
    async with client_of(real) as client:
        spoken = await client.call_tool("speak", {"text": TEXT})
        heard: Any = await client.call_tool(
            "transcribe", {"audio": base64.b64encode(clip).decode(), "timestamps": True}
        )
    assert wer(TEXT, ear.listen(sound_of(spoken))) <= 0.12
    assert wer(TEXT, heard.content[0].text) <= 0.12
    assert heard.structured_content["language"] == "en"
    assert heard.structured_content["segments"][0]["words"]
