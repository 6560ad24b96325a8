"""A realtime session as OpenAI's client for Python has it; every event is held against its types."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter
from tests.live import Live

SECONDS = 120
"""After so long without the expected event a test fails."""
_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)


class Talk:
    def __init__(self, connection: AsyncRealtimeConnection) -> None:
        self.connection = connection
        self.seen: list[dict[str, Any]] = []
        """All events so far."""

    async def send(self, type: str, **fields: Any) -> None:
        await self.connection.send({"type": type, **fields})  # pyright: ignore[reportArgumentType]

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(SECONDS):
            data = json.loads(await self.connection.recv_bytes())
        _EVENT.validate_python(data)
        self.seen.append(data)
        return data

    async def until(self, type: str) -> list[dict[str, Any]]:
        """The next events, up to one of this type."""
        found = [await self.next()]
        while found[-1]["type"] != type:
            found.append(await self.next())
        return found

    async def told(self, type: str) -> dict[str, Any]:
        """The next event of this type."""
        return (await self.until(type))[-1]

    async def configure(self, **session: Any) -> dict[str, Any]:
        await self.send("session.update", session={"type": "realtime", **session})
        return (await self.told("session.updated"))["session"]

    async def say(self, text: str) -> None:
        """As a text message of the user."""
        content = [{"type": "input_text", "text": text}]
        await self.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
        await self.told("conversation.item.done")

    async def answer(self, **response: Any) -> list[dict[str, Any]]:
        """The events of a response."""
        await self.send("response.create", **({"response": response} if response else {}))
        return await self.until("response.done")

    async def hear(self, sound: bytes, *, at_once: int = 24_000) -> None:
        """Send sound, in so many bytes a message."""
        for start in range(0, len(sound), at_once):
            audio = base64.b64encode(sound[start : start + at_once]).decode()
            await self.send("input_audio_buffer.append", audio=audio)


@asynccontextmanager
async def talk(server: Live, key: str = "", **query: str) -> AsyncGenerator[Talk]:
    """A session that has been created."""
    async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key=key or server.key, max_retries=0) as client:
        asked = query or {"model": "gpt-realtime"}
        async with client.realtime.connect(extra_query=asked) as connection:
            session = Talk(connection)
            await session.told("session.created")
            yield session


def kinds(events: list[dict[str, Any]]) -> list[str]:
    """Their types, equal ones in a row once."""
    types = [event["type"] for event in events]
    return [type for index, type in enumerate(types) if not index or types[index - 1] != type]


def sound_of(events: list[dict[str, Any]]) -> bytes:
    """The sound of a response."""
    deltas = [event["delta"] for event in events if event["type"] == "response.output_audio.delta"]
    return b"".join(map(base64.b64decode, deltas))


def output(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items of a response that has ended."""
    return events[-1]["response"]["output"]
