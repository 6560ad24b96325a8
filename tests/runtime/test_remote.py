"""Models on workers: which one is taken, and what happens when one is not there, or ends."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from threading import Event
from typing import Self

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.live import Live
from tests.runtime.workers import worker_for
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, ModelCard, Preset, SpeechRequest
from ttsai_server.engines.base import Cancellation, LoadContext, Synthesizer
from ttsai_server.engines.catalog import Catalog
from ttsai_server.errors import ApiError, EngineFailed, ModelCrashed, ModelLoading, NotReady
from ttsai_server.runtime.base import Playback
from ttsai_server.runtime.placement import starter
from ttsai_server.runtime.pool import Pool
from ttsai_server.runtime.remote import RemoteModel, RemotePool
from ttsai_server.runtime.transfer import PIECE, receive_message, send_message
from ttsai_server.runtime.wire import Begin, Reply
from ttsai_server.runtime.workers import Workers
from ttsai_server.settings import Models, Settings

TONE = Catalog.read(Settings().models.cards, demo=True).models["tone"]
SAID = SpeechRequest("la la la", (Preset("tone_a"),), "en")
NOBODY = "http://127.0.0.1:9"
"""Port of the discard service, which nothing here offers."""


def workers(*addresses: str) -> Workers:
    return Workers(Models(workers=addresses), "token")


async def said(model: RemoteModel) -> int:
    """Number of steps in which the model says SAID."""
    count = 0
    async with model.steps("synthesize", (SAID,)) as next_step:
        while await next_step():
            count += 1
    return count


@asynccontextmanager
async def dying_worker(steps: int) -> AsyncGenerator[str]:
    """Address of a worker that ends each connection after so many steps, as one does that is killed."""

    async def run(socket: ServerConnection) -> None:
        await send_message(socket.send, Reply(0))
        await receive_message(lambda: socket.recv(decode=False))
        for _ in range(steps):
            await socket.recv()
            await send_message(socket.send, Reply(0, "a step"))
        await socket.recv()
        socket.transport.abort()

    async with serve(run, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


async def test_a_worker_that_does_not_answer_is_passed_over() -> None:
    async with worker_for(replace(TONE, setup={"steps": 3})) as there:
        model = await RemoteModel.start(TONE, workers(NOBODY, there))
        assert await said(model) == 3


async def test_a_worker_that_fails_to_load_the_model_is_passed_over() -> None:
    async def refuse(socket: ServerConnection) -> None:
        await send_message(socket.send, Reply(0, error=EngineFailed("The GPU is broken.")))
        await socket.wait_closed()

    async with (
        serve(refuse, "127.0.0.1", 0) as broken,
        worker_for(replace(TONE, setup={"steps": 3})) as there,
    ):
        port = next(iter(broken.sockets)).getsockname()[1]
        both = workers(f"http://127.0.0.1:{port}", there)
        assert [await said(RemoteModel(TONE, both)) for _ in range(9)] == [3] * 9
        with pytest.raises(EngineFailed, match="GPU"):
            await RemoteModel.start(TONE, workers(f"http://127.0.0.1:{port}"))


async def test_without_a_worker_that_answers_the_client_is_told_to_come_back() -> None:
    with pytest.raises(ModelLoading, match="No worker answers"):
        await RemoteModel.start(TONE, workers(NOBODY))


async def test_a_worker_that_ends_before_its_first_step_is_replaced_by_another() -> None:
    async with dying_worker(0) as dying, worker_for(replace(TONE, setup={"steps": 3})) as there:
        both = workers(dying, there)
        counts = [await said(RemoteModel(TONE, both)) for _ in range(5)]
    assert counts == [3] * 5


async def test_a_worker_that_ends_between_two_steps_ends_the_stream_with_an_error() -> None:
    async with dying_worker(1) as dying:
        model = RemoteModel(TONE, workers(dying))
        async with model.steps("synthesize", (SAID,)) as next_step:
            assert await next_step() == "a step"
            with pytest.raises(ModelCrashed):
                await next_step()


async def test_streams_are_spread_over_the_workers() -> None:
    async with AsyncExitStack() as stack:
        addresses = [await stack.enter_async_context(worker_for(TONE)) for _ in range(2)]
        connections = [await (shared := workers(*addresses)).connect(TONE)]
        connections.append(await shared.connect(TONE))
        assert len({connection.remote_address for connection in connections}) == 2
        await asyncio.gather(*map(shared.close, connections))


class Gated(Synthesizer):
    """Says what it is given in one step, in this process; the text `wait` once it may."""

    native = False
    go_on = Event()
    said = list[str]()

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        return cls()

    def warm_up(self, card: ModelCard) -> None:
        """Nothing to wait for."""

    def synthesize(self, request: SpeechRequest, cancellation: Cancellation) -> Generator[Audio]:
        self.said.append(request.text)
        if request.text == "wait":
            self.go_on.wait(60)
        yield Audio(np.zeros((2400, 1), np.float32), 24_000, last=True)

    def close(self) -> None:
        """Nothing to free."""


async def test_a_worker_speaks_first_for_those_who_hear_nothing_yet() -> None:
    card, settings = replace(TONE, engine=f"{__name__}:Gated", concurrency=1), Settings()
    there = Pool(settings.models, starter(settings))
    async with worker_for(card, there) as address, asyncio.timeout(60):
        here = RemotePool(Models(workers=(address,)), workers(address))

        async def say(text: str, seconds: float) -> None:
            """For one who still has so many seconds of sound to play."""
            playback = Playback()
            playback.add(seconds)
            async with here.lease(card) as handle:
                run = handle.run(Gated.synthesize, replace(SAID, text=text), playback=playback)
                assert len([step async for step in run]) == 1

        async with asyncio.TaskGroup() as runs:
            for number, (text, seconds) in enumerate({"wait": 0, "later": 50, "now": 0}.items()):
                runs.create_task(say(text, seconds))
                while not Gated.said or there.states()[0].waiting < number:  # noqa: ASYNC110 nothing tells of it
                    await asyncio.sleep(0.001)
            Gated.go_on.set()
        await here.close()
    assert Gated.said == ["wait", "now", "later"]


@given(st.integers(0, 2 * PIECE // 4 + 1))
def test_a_recording_of_any_length_arrives_as_it_was(frames: int) -> None:
    async def there_and_back() -> None:
        sent = asyncio.Queue[bytes]()
        samples = np.arange(frames, dtype=np.float32).reshape(-1, 1)
        with Recording(16_000) as recording:
            recording.append(samples)
            await send_message(sent.put, Begin(0, "analyze", (recording,)))
        message: Begin = await receive_message(sent.get)
        with message.arguments[0] as received:
            assert np.array_equal(received.read(0, frames + 1), samples)
        assert sent.empty()

    asyncio.run(there_and_back())


@pytest.mark.parametrize("status", [HTTPStatus.BAD_GATEWAY, HTTPStatus.NOT_FOUND])
async def test_clients_are_not_told_where_a_worker_is_but_the_log_is(
    status: HTTPStatus, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(socket: ServerConnection, _: Request) -> Response:
        return socket.respond(status, "")

    async def nothing(_: ServerConnection) -> None: ...

    async with serve(nothing, "127.0.0.1", 0, process_request=refuse) as broken:
        address = f"127.0.0.1:{next(iter(broken.sockets)).getsockname()[1]}"
        with pytest.raises(ApiError) as told:
            await RemoteModel.start(TONE, workers(f"http://{address}"))
    assert told.value.status == 503
    assert "127.0.0.1" not in told.value.message
    assert address in caplog.text
    assert str(status.value) in caplog.text


async def test_a_server_that_is_no_worker_is_told_apart(server: Live) -> None:
    with pytest.raises(NotReady, match="is no worker"):
        await RemoteModel.start(TONE, workers(server.url))
