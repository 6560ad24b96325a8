"""Models on a Ray cluster: real nodes, each with processes of its own, on this machine."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.collector import collector
from tests.runtime import misbehaving
from tests.runtime.ray_cluster import CPUS, add_node, cluster_of, running
from tests.runtime.waiting import REQUEST, waiting

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, ModelCard, Reference
from ttsai_server.engines.base import Converter, Synthesizer
from ttsai_server.engines.catalog import Catalog
from ttsai_server.engines.tone import HERTZ
from ttsai_server.errors import BadRequest, ModelCrashed, WeightsMissing
from ttsai_server.runtime.base import EngineHandle, ModelState
from ttsai_server.runtime.placement import starter
from ttsai_server.runtime.pool import Pool
from ttsai_server.runtime.ray import RayRuntime
from ttsai_server.settings import Models, Ray, Replicas, Settings, Tracing
from ttsai_server.tracing import OtlpTracer

pytestmark = pytest.mark.service

EACH = 600
"""Seconds that anything may take here: the machine may be busy."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Of one node for models, beside the head."""
    with cluster_of(nodes=1) as cluster:
        yield cluster


@pytest.fixture
def address(cluster: Any) -> str:
    return cluster.address


@asynccontextmanager
async def runtime_on(address: str, tracing: Tracing | None = None, **replicas: float) -> AsyncGenerator[RayRuntime]:
    settings = Settings(
        models=Models(load_wait_seconds=EACH, queue_wait_seconds=EACH, restart_seconds=0.1, demo=True),
        tracing=tracing or Tracing(),
        ray=Ray(address=address, replicas=Replicas.model_validate({"cpus": 0.1, "most": 1, **replicas})),
    )
    runtime = RayRuntime(settings, Pool(settings.models, starter(settings)))
    try:
        async with asyncio.timeout(EACH):
            yield runtime
    finally:
        await runtime.close()


async def speak(handle: EngineHandle, text: str = REQUEST.text) -> list[Audio]:
    request = replace(REQUEST, text=text)
    return [audio async for audio in handle.run(Synthesizer.synthesize, request)]


def joined(pieces: list[Audio]) -> np.ndarray:
    return np.concatenate([piece.samples for piece in pieces])


async def here(card: ModelCard) -> np.ndarray:
    """What the model says in this process."""
    settings = Settings()
    pool = Pool(settings.models, starter(settings))
    async with pool.lease(card) as handle:
        said = joined(await speak(handle))
    await pool.close()
    return said


async def test_a_model_on_a_node_says_and_hears_what_it_does_here(address: str) -> None:
    card = waiting("there", steps=3)
    async with runtime_on(address) as runtime, runtime.lease(card) as handle:
        said = await speak(handle)
        assert len(said) == 3
        np.testing.assert_array_equal(joined(said), await here(card))
        assert [(state.id, state.loaded) for state in runtime.states()] == [("there", True)]

        target = Reference("there", {HERTZ: np.array(300.0)})
        with Recording(card.rate) as recording:
            recording.append(np.full((2 * card.rate, 1), 0.5, np.float32))
            converted = [audio async for audio in handle.run(Converter.convert, recording, target)]
        assert joined(converted).shape == (2 * card.rate, 1)
        assert np.sqrt(np.mean(joined(converted) ** 2)) == pytest.approx(0.5, abs=0.05)


async def test_an_error_of_the_engine_is_told_as_it_is(address: str) -> None:
    async with runtime_on(address) as runtime, runtime.lease(waiting("there", steps=3)) as handle:
        with pytest.raises(BadRequest) as told:
            await speak(handle, " ")
        assert (told.value.message, told.value.param) == ("There is nothing to say.", "text")


@pytest.mark.slow
async def test_a_model_without_weights_says_what_to_run(address: str) -> None:
    kokoro = replace(Catalog.read(Settings().models.cards).models["kokoro"], id="without-weights")
    async with runtime_on(address) as runtime:
        with pytest.raises(WeightsMissing, match="without-weights"):
            async with runtime.lease(kokoro):
                pass


@pytest.mark.slow
async def test_a_model_is_loaded_once_for_many_requests(address: str, tmp_path: Path) -> None:
    loads = tmp_path / "loads"
    card = misbehaving.card("counted", setup={"count_loads": str(loads)}, concurrency=4)
    async with runtime_on(address) as runtime:

        async def ask() -> int:
            async with runtime.lease(card) as handle:
                return len(await speak(handle, "ordinary"))

        assert await asyncio.gather(*(ask() for _ in range(8))) == [2] * 8
    assert loads.read_text() == "1"


@pytest.mark.slow
async def test_a_crash_of_the_models_process_ends_its_run_and_the_next_is_served(address: str) -> None:
    card = misbehaving.card("crashing")
    async with runtime_on(address) as runtime:
        async with runtime.lease(card) as handle:
            with pytest.raises(ModelCrashed):
                await speak(handle, "kill")
            assert state_of(runtime, card).crashed
        await asyncio.sleep(0.1)
        async with runtime.lease(card) as handle:
            assert len(await speak(handle, "ordinary")) == 2
        assert not state_of(runtime, card).crashed


@pytest.mark.slow
async def test_a_run_that_is_left_is_stopped_on_its_node(address: str) -> None:
    """It would take an hour, and the model does one step at a time: the next run waits until it has stopped."""
    card = waiting("slow", steps=2, seconds=3600)
    async with runtime_on(address, runs=2) as runtime, runtime.lease(card) as handle:
        stream = asyncio.create_task(speak(handle))
        await until(lambda: bool(state_of(runtime, card).waiting))
        await asyncio.sleep(1)
        stream.cancel()
        await asyncio.wait([stream])
        assert stream.cancelled()
        with pytest.raises(BadRequest):
            await speak(handle, "")


@pytest.mark.slow
async def test_a_model_is_unloaded_on_every_node(address: str) -> None:
    card = waiting("unloaded")
    async with runtime_on(address) as runtime:
        assert not await runtime.unload(card)
        async with runtime.lease(card):
            assert not await runtime.unload(card)
        assert await runtime.unload(card)
        assert not state_of(runtime, card).loaded


@pytest.mark.slow
async def test_the_models_of_a_family_share_a_replica(address: str) -> None:
    cards = [waiting(f"voice-{name}", family="voices") for name in "ab"]
    async with runtime_on(address, runs=0.5) as runtime:
        for card in cards:
            async with runtime.lease(card) as handle:
                assert await speak(handle)
        families = await asyncio.to_thread(runtime._cluster.families)
        assert "voices" in families
        assert not families & {card.id for card in cards}


@pytest.mark.slow
async def test_more_work_starts_more_replicas(address: str) -> None:
    card = waiting("growing", steps=600, seconds=0.1)
    async with runtime_on(address, runs=1, most=2, upscale_seconds=0) as runtime, runtime.lease(card) as handle:
        streams = [asyncio.create_task(speak(handle)) for _ in range(4)]
        await until(lambda: running(card) == 2)
        for stream in streams:
            stream.cancel()
        await asyncio.wait(streams)


@pytest.mark.slow
async def test_a_node_that_dies_ends_its_streams_with_an_error_and_the_next_request_is_served(cluster: Any) -> None:
    card = waiting("lost", steps=100, seconds=0.1)
    doomed = add_node(cluster)
    # one replica a node, one run a replica
    apart = {"cpus": 0.7 * CPUS, "least": 2, "most": 2, "runs": 0.5}
    async with runtime_on(cluster.address, None, **apart) as runtime, runtime.lease(card) as handle:
        await until(lambda: running(card) == 2)
        begun = [asyncio.Event(), asyncio.Event()]

        async def stream(first: asyncio.Event) -> int:
            count = 0
            async for _ in handle.run(Synthesizer.synthesize, REQUEST):
                count += 1
                first.set()
            return count

        streams = [asyncio.create_task(stream(first)) for first in begun]
        for first in begun:
            await first.wait()
        await asyncio.to_thread(cluster.remove_node, doomed, allow_graceful=False)
        ended = await asyncio.gather(*streams, return_exceptions=True)
        (lost,) = (error for error in ended if isinstance(error, ModelCrashed))
        assert lost.status == 503
        assert lost.message == "The replica that ran 'lost' was lost; another one takes its place."
        assert 100 in ended
        async with runtime.lease(card) as again:
            assert len(await speak(again)) == 100


@pytest.mark.slow
async def test_a_replica_goes_on_with_the_trace_of_the_request(address: str) -> None:
    card = waiting("traced")
    with collector() as received:
        async with runtime_on(address, Tracing(endpoint=received.url, service="replica")) as runtime:
            tracer = OtlpTracer(received.url, 1, "server")
            with tracer.begin("request", "server", {}):
                async with runtime.lease(card) as handle:
                    await speak(handle)
            await asyncio.to_thread(tracer.close)
            await until(lambda: any(span.name == "synthesize" for span in received.spans))
        request, there = received.named("request"), received.named("synthesize")
        assert (there.service, there.parent, there.trace) == ("replica", request.id, request.trace)
        assert received.named("ray").parent == request.id


async def until(holds: Callable[[], bool]) -> None:
    while True:
        if await asyncio.to_thread(holds):
            return
        await asyncio.sleep(0.1)


def state_of(runtime: RayRuntime, card: ModelCard) -> ModelState:
    return next(state for state in runtime.states() if state.id == card.id)
