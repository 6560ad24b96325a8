"""What reasoning models think aloud before they answer, which is not for the listener."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from ttsai_server.domain import ChatDelta

BEGIN, END = "<think>", "</think>"


async def without_thoughts(parts: AsyncGenerator[ChatDelta]) -> AsyncGenerator[ChatDelta]:
    """The parts of an answer, without `<think>…</think>` at its start. Must be closed (`aclosing`)."""
    held, answering = "", False
    async with aclosing(parts):
        async for part in parts:
            if answering or not part.text:
                yield part
                continue
            held = (held + part.text).lstrip()
            if held.startswith(BEGIN) and END in held:
                held = held.partition(END)[2].lstrip()
            if not BEGIN.startswith(held[: len(BEGIN)]):  # it neither thinks nor may be about to
                answering = True
                yield replace(part, text=held)
    if held and not answering and not held.startswith(BEGIN):
        yield ChatDelta(held)
