"""What runs on the nodes of a Ray cluster; `ray` is the server's side.

A replica is a process that Ray Serve starts for one family of models. It has a pool of its own, as a server has that
needs no cluster: models are loaded once in it, native code runs in children of it, and steps of all its runs take their
turns by their deadlines. Steps, errors and cards cross as frames of `wire`; nothing of ours is pickled.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from functools import lru_cache
from tempfile import TemporaryFile
from typing import Any

from numpy.typing import NDArray
from ray import serve

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard
from ttsai_server.engines.catalog import load_class
from ttsai_server.logs import configure
from ttsai_server.runtime.base import Playback
from ttsai_server.runtime.placement import starter
from ttsai_server.runtime.pool import Pool
from ttsai_server.runtime.wire import LENGTH_BYTES, Call, Reply, decode, encode
from ttsai_server.runtime.worker import crossing
from ttsai_server.settings import Settings
from ttsai_server.tracing import open_tracer

KNOWN = 16
"""Models of its family that a replica reports to Ray's router: it gets their requests rather than another replica."""


class Replica:
    """Each method takes the frame of a model's card first."""

    async def __init__(self, settings: str, card: bytes) -> None:
        """settings: the groups `models`, `log` and `tracing`, as JSON.

        card: of the one model of its family, which is loaded before the first request comes; empty: it has several.
        """
        chosen = Settings.model_validate_json(settings)
        configure(chosen.log.level, chosen.log.format)
        self._pool = Pool(chosen.models, starter(chosen))
        self._tracer = open_tracer(chosen.tracing.endpoint, chosen.tracing.share, chosen.tracing.service)
        self._sweeping = asyncio.get_running_loop().create_task(self._pool.sweep())
        if card:
            await self.load(card)  # its error, if any, is raised again for each request that needs the model

    async def load(self, card: bytes) -> bytes:
        """Load the model, if it is not loaded. → a Reply with the megabytes that it takes, or with the error."""
        return await self._answered(self._load(_card(card)))

    async def unload(self, card: bytes) -> bytes:
        """→ a Reply with whether it has been loaded, and is not any longer."""
        return await self._answered(self._pool.unload(_card(card)))

    async def run(self, card: bytes, call: bytes, *files: NDArray[Any]) -> AsyncGenerator[bytes]:
        """Carry out a Call; yields an empty Reply, one for each step, and one with the error if it fails.

        files: what is in the recordings among its arguments, bytes.
        """
        yield _frame(Reply(0))
        waiting = iter(files)
        message: Call = await asyncio.to_thread(_decoded, call, waiting)
        self._tracer.adopt(message.trace)
        try:
            await self._known(_card(card).id)  # pyright: ignore[reportCallIssue] - wrongly typed by Ray
            async with self._pool.lease(_card(card)) as handle:
                playback = Playback()
                playback.add(message.ahead)
                method = getattr(load_class(_card(card)), message.method)
                async with aclosing(handle.run(method, *message.arguments, playback=playback)) as steps:
                    async for step in steps:
                        yield _frame(Reply(0, step))
        except Exception as error:
            yield _frame(Reply(0, error=crossing(error)))
        finally:
            for argument in message.arguments:
                if isinstance(argument, Recording):
                    argument.close()

    async def _load(self, card: ModelCard) -> int:
        await self._known(card.id)  # pyright: ignore[reportCallIssue] - wrongly typed by Ray
        async with self._pool.lease(card):
            return next(state.memory_mb for state in self._pool.states() if state.id == card.id)

    @serve.multiplexed(max_num_models_per_replica=KNOWN)
    async def _known(self, model: str) -> str:
        """Its calls report to Ray's router that this replica has a model."""
        return model

    async def _answered(self, work: Any) -> bytes:
        try:
            return _frame(Reply(0, await work))
        except Exception as error:
            return _frame(Reply(0, error=crossing(error)))


def _frame(reply: Reply) -> bytes:
    return encode(reply)[0]


def _decoded(frame: bytes, files: Iterator[NDArray[Any]]) -> Any:
    return decode(frame[LENGTH_BYTES:], lambda: _file_of(next(files)))


@lru_cache(256)
def _card(frame: bytes) -> ModelCard:
    return _decoded(frame, iter(()))


def _file_of(content: NDArray[Any]) -> int:
    """Descriptor of a new temporary file with this content."""
    with TemporaryFile() as file:
        file.write(memoryview(content))  # pyright: ignore[reportArgumentType] - Python 3.11 has no Buffer protocol
        file.flush()
        return os.dup(file.fileno())
