"""A loaded model does the same wherever it runs: in this process, in one of its own, or on a worker."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.runtime import misbehaving
from tests.runtime.workers import worker_for

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard, Preset, SpeechRequest
from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.catalog import Catalog
from ttsai_server.engines.music.adapter import MusicAnalyzer
from ttsai_server.engines.tone import Tone
from ttsai_server.errors import BadRequest, EngineFailed
from ttsai_server.runtime.base import LoadedModel
from ttsai_server.runtime.children import Child
from ttsai_server.runtime.in_process import InProcess
from ttsai_server.runtime.loading import load
from ttsai_server.runtime.remote import RemoteModel, Workers
from ttsai_server.settings import Models, Settings

CARDS = Catalog.read(Settings().models.cards, demo=True).models
TONE = CARDS["tone"]

Load = Callable[[ModelCard], Awaitable[LoadedModel]]


async def _in_process(card: ModelCard, _: AsyncExitStack) -> LoadedModel:
    return await InProcess.start(card, 2, partial(load, models=Settings().models))


async def _in_a_child(card: ModelCard, _: AsyncExitStack) -> LoadedModel:
    return await Child.start(replace(card, concurrency=2), Settings())


async def _on_a_worker(card: ModelCard, stack: AsyncExitStack) -> LoadedModel:
    worker = await stack.enter_async_context(worker_for(replace(card, concurrency=2)))
    return await RemoteModel.start(card, Workers(Models(workers=(worker,)), "token"))


@pytest.fixture(params=[_in_process, _in_a_child, _on_a_worker])
async def loaded(request: pytest.FixtureRequest) -> AsyncIterator[Load]:
    async with AsyncExitStack() as stack:

        async def start(card: ModelCard) -> LoadedModel:
            model: LoadedModel = await request.param(card, stack)
            stack.push_async_callback(model.close)
            return model

        yield start


def said(text: str = "la la la") -> SpeechRequest:
    return SpeechRequest(text, (Preset("tone_a"),), "en")


def tone(**options: object) -> ModelCard:
    return replace(TONE, setup=options)


async def all_of(model: LoadedModel, method: str, *arguments: object) -> list[Any]:
    made = list[Any]()
    async with model.steps(method, arguments) as next_step:
        while step := await next_step():
            made.append(step)
    return made


async def test_it_says_what_the_engine_says(loaded: Load) -> None:
    made = await all_of(await loaded(tone(steps=3)), "synthesize", said())
    engine = Tone.load(tone(steps=3), LoadContext(Path()))
    expected = list(engine.synthesize(said(), Cancellation()))
    assert [step.last for step in made] == [False, False, True]
    assert all(np.array_equal(one.samples, other.samples) for one, other in zip(made, expected, strict=True))


async def test_a_recording_is_read(loaded: Load) -> None:
    with Recording(CARDS["key-bpm"].rate) as recording:
        recording.append(np.random.default_rng(0).uniform(-0.1, 0.1, (5000, 1)).astype(np.float32))
        *_, last = await all_of(await loaded(CARDS["key-bpm"]), "analyze", recording)
        assert last.end == recording.seconds
        assert last == list(MusicAnalyzer().analyze(recording, Cancellation()))[-1]


async def test_an_error_comes_as_it_was_raised(loaded: Load) -> None:
    model = await loaded(tone(fail_on="break"))
    with pytest.raises(BadRequest, match="nothing to say") as told:
        await all_of(model, "synthesize", said(" "))
    assert told.value.param == "text"
    with pytest.raises(EngineFailed, match="told to fail"):
        await all_of(model, "synthesize", said("break"))
    assert await all_of(model, "synthesize", said())


async def test_setups_that_are_wrong_are_told_as_it_loads(loaded: Load) -> None:
    with pytest.raises(Exception, match="no_such_option"):
        await loaded(tone(no_such_option=1))


async def test_a_cancelled_step_stops(loaded: Load) -> None:
    model = await loaded(misbehaving.card())
    async with model.steps("synthesize", (said("obey"),)) as next_step:
        assert await next_step()
        step = asyncio.ensure_future(next_step())
        await asyncio.sleep(0.1)
        assert not step.done()
        step.cancel()
        await asyncio.wait([step])
        assert step.cancelled()
    assert model.alive


async def test_two_steps_run_at_the_same_time(loaded: Load) -> None:
    model = await loaded(misbehaving.card())
    async with model.steps("synthesize", (said("obey"),)) as slow:
        assert await slow()
        step = asyncio.ensure_future(slow())
        await asyncio.sleep(0.1)
        assert len(await all_of(model, "synthesize", said())) == 2
        assert not step.done()
        step.cancel()
        await asyncio.wait([step])


async def test_closed_it_is_not_alive(loaded: Load) -> None:
    model = await loaded(TONE)
    assert model.alive
    await model.close()
    assert not model.alive
    await model.close()
