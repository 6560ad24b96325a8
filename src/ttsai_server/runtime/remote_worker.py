"""The worker's side of `remote`: one stream of steps of a model, for another node.

The worker sends a Reply once the model is loaded. The node sends a Begin, and NEXT for each step that it wants, which
is answered by a Reply. The end of the connection ends the stream, and the step that is running.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import aclosing
from typing import Any

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard
from ttsai_server.engines.catalog import load_class
from ttsai_server.runtime.base import EngineHandle, Playback, Runtime
from ttsai_server.runtime.transfer import Receive, Send, receive_message, send_message
from ttsai_server.runtime.wire import Begin, Reply
from ttsai_server.runtime.worker import crossing


async def serve(runtime: Runtime, card: ModelCard, receive: Receive, send: Send) -> None:
    """Run one stream to its end.

    receive, send: messages of the connection; they raise ConnectionError once it has ended, and so does this then.
    Errors of the model go to the other node.
    """
    try:
        async with runtime.lease(card) as handle:
            await send_message(send, Reply(0))
            begin: Begin = await receive_message(receive)
            try:
                await _run(handle, card, begin, receive, send)
            finally:
                for argument in begin.arguments:
                    if isinstance(argument, Recording):
                        argument.close()
    except ConnectionError:
        raise
    except Exception as error:
        await send_message(send, Reply(0, error=crossing(error)))


async def unload(runtime: Runtime, card: ModelCard, receive: Receive, send: Send) -> None:
    """Free the model, and reply whether it was loaded and not in use. Raises ConnectionError if nobody waits for it."""
    await send_message(send, Reply(0, await runtime.unload(card)))


async def _run(handle: EngineHandle, card: ModelCard, begin: Begin, receive: Receive, send: Send) -> None:
    method, playback = getattr(load_class(card), begin.method), Playback()
    playback.add(begin.ahead)
    asked = asyncio.ensure_future(receive())
    try:
        async with aclosing(handle.run(method, *begin.arguments, playback=playback)) as steps:
            while True:
                await asked
                asked = asyncio.ensure_future(receive())
                await send_message(send, Reply(0, await _unless_gone(anext(steps, None), asked)))
    finally:
        asked.cancel()
        await asyncio.wait([asked])
        if not asked.cancelled():
            asked.exception()  # mark it as retrieved


async def _unless_gone(step: Awaitable[Any], message: asyncio.Future[bytes]) -> Any:
    """What the step yields. Cancels it, and raises ConnectionAbortedError, if the other node goes before."""
    running = asyncio.ensure_future(step)
    try:
        await asyncio.wait({running, message}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            return running.result()
        raise ConnectionAbortedError("the other node has gone")
    finally:
        if not running.done():
            running.cancel()
            await asyncio.wait([running])
