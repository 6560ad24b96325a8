"""The pool, with the tone engine in it: in this process, and what has to hold wherever models run also in another."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from time import sleep

import pytest

from ttsai_server.domain import ModelCard, Preset, SpeechRequest
from ttsai_server.engines.base import Engine, Synthesizer
from ttsai_server.engines.catalog import Catalog, load_class
from ttsai_server.errors import EngineFailed, ModelLoading
from ttsai_server.runtime.base import EngineHandle, Playback
from ttsai_server.runtime.in_process import InProcess
from ttsai_server.runtime.loading import place, steps
from ttsai_server.runtime.pool import Pool
from ttsai_server.settings import Models, Settings

CARD = Catalog.read(Settings().models.cards, demo=True).models["tone"]
REQUEST = SpeechRequest("la la la", (Preset("tone_a"),), "en")


def load_tone(card: ModelCard) -> Engine:
    return load_class(card).load(card, place(card, Models()))


@asynccontextmanager
async def pool_of(load: Callable[[ModelCard], Engine] = load_tone, **settings: float) -> AsyncGenerator[Pool]:
    models = Models(**settings)  # pyright: ignore[reportArgumentType]
    pool = Pool(models, lambda card: InProcess.start(card, steps(card, models), load))
    try:
        yield pool
    finally:
        await pool.close()


async def speak(handle: EngineHandle) -> float:
    return sum([audio.seconds async for audio in handle.run(Synthesizer.synthesize, REQUEST)])


def other(name: str, **changes: object) -> ModelCard:
    return replace(CARD, id=name, **changes)  # pyright: ignore[reportArgumentType]


def loaded(pool: Pool) -> set[str]:
    return {state.id for state in pool.states() if state.loaded}


async def test_a_model_is_loaded_when_first_leased() -> None:
    async with pool_of() as pool:
        assert loaded(pool) == set()
        async with pool.lease(CARD) as handle:
            assert await speak(handle) > 0
        assert loaded(pool) == {"tone"}


async def test_many_first_requests_load_it_once() -> None:
    loads: list[str] = []

    def load(card: ModelCard) -> Engine:
        loads.append(card.id)
        sleep(0.05)
        return load_tone(card)

    async def ask(pool: Pool) -> None:
        async with pool.lease(CARD):
            pass

    async with pool_of(load) as pool:
        await asyncio.gather(*(ask(pool) for _ in range(20)))
    assert loads == ["tone"]


async def test_loading_does_not_hold_up_the_loop() -> None:
    go_on = threading.Event()

    def load(card: ModelCard) -> Engine:
        assert go_on.wait(60), "the loop stood still"
        return load_tone(card)

    async with pool_of(load) as pool:
        lease = asyncio.create_task(pool.lease(CARD).__aenter__())
        await asyncio.sleep(0.05)
        go_on.set()
        await lease


async def test_a_load_that_takes_too_long_is_503_and_goes_on() -> None:
    release = threading.Event()

    def load(card: ModelCard) -> Engine:
        release.wait(5)
        return load_tone(card)

    async with pool_of(load, load_wait_seconds=0.05) as pool:
        with pytest.raises(ModelLoading):
            async with pool.lease(CARD):
                pass
        assert pool.states()[0].loading
        release.set()
        async with pool.lease(CARD):
            assert loaded(pool) == {"tone"}


async def test_a_load_that_fails_tells_every_waiter_and_is_tried_again() -> None:
    tries: list[str] = []

    def load(card: ModelCard) -> Engine:
        tries.append(card.id)
        if len(tries) == 1:
            raise EngineFailed("broken")
        return load_tone(card)

    async with pool_of(load) as pool:
        with pytest.raises(EngineFailed):
            async with pool.lease(CARD):
                pass
        async with pool.lease(CARD) as handle:
            assert await speak(handle) > 0


async def test_one_request_more_than_the_queue_is_503() -> None:
    card = other("small", queue=2)
    async with pool_of() as pool, pool.lease(card), pool.lease(card):
        with pytest.raises(ModelLoading) as told:
            async with pool.lease(card):
                pass
        assert int(told.value.headers["Retry-After"]) > 0
    async with pool_of() as pool, pool.lease(card):
        pass


async def test_a_turn_that_does_not_come_is_503() -> None:
    slow = other("slow", setup={"step_seconds": 0.5})
    async with pool_of(queue_wait_seconds=0.05) as pool, pool.lease(slow) as handle:
        first = asyncio.create_task(speak(handle))
        await asyncio.sleep(0.01)
        with pytest.raises(ModelLoading):
            await speak(handle)
        assert await first > 0


async def test_the_least_recently_used_model_makes_room() -> None:
    cards = [other(name, memory=40) for name in ("a", "b", "c")]
    async with pool_of(memory_mb=100) as pool:
        for card in (cards[0], cards[1], cards[0], cards[2]):
            async with pool.lease(card):
                pass
        assert loaded(pool) == {"a", "c"}


async def test_a_model_in_use_is_never_unloaded_for_another() -> None:
    used, wanted = other("used", memory=80), other("wanted", memory=80)
    async with pool_of(memory_mb=100) as pool:
        async with pool.lease(used) as handle:
            with pytest.raises(ModelLoading):
                async with pool.lease(wanted):
                    pass
            assert await speak(handle) > 0
        async with pool.lease(wanted):
            assert loaded(pool) == {"wanted"}


async def test_an_idle_model_is_unloaded_and_loads_again() -> None:
    async with pool_of(idle_seconds=0.1) as pool:
        sweeper = asyncio.create_task(pool.sweep())
        async with pool.lease(CARD):
            await asyncio.sleep(0.3)
            assert loaded(pool) == {"tone"}
        async with asyncio.timeout(60):
            while loaded(pool):  # noqa: ASYNC110 the sweeper unloads it
                await asyncio.sleep(0.02)
        async with pool.lease(CARD) as handle:
            assert await speak(handle) > 0
        sweeper.cancel()


class SlowClose:
    """Makes the first model that is closed wait until it may."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        close = InProcess.close

        async def slowly(model: InProcess) -> None:
            self.begun.set()
            await self.go_on.wait()
            await close(model)

        monkeypatch.setattr(InProcess, "close", slowly)


@pytest.fixture
def closing(monkeypatch: pytest.MonkeyPatch) -> SlowClose:
    return SlowClose(monkeypatch)


async def test_a_model_leased_while_another_makes_room_is_not_unloaded(closing: SlowClose) -> None:
    first, second = other("first", memory=40), other("second", memory=40)
    async with pool_of(memory_mb=100) as pool:
        for card in (first, second):
            async with pool.lease(card):
                pass
        loading = asyncio.create_task(pool.lease(other("large", memory=90)).__aenter__())
        await closing.begun.wait()
        async with pool.lease(second) as handle:
            closing.go_on.set()
            with pytest.raises(ModelLoading):
                await loading
            assert await speak(handle) > 0
            assert loaded(pool) == {"second"}


async def test_a_model_leased_while_another_idle_one_is_unloaded_stays(closing: SlowClose) -> None:
    first, second = other("first"), other("second")
    async with pool_of(idle_seconds=0.1) as pool:
        for card in (first, second):
            async with pool.lease(card):
                pass
        await asyncio.sleep(0.1)
        sweeper = asyncio.create_task(pool.sweep())
        await closing.begun.wait()
        async with pool.lease(second) as handle:
            closing.go_on.set()
            await asyncio.sleep(0.2)
            assert await speak(handle) > 0
            assert loaded(pool) == {"second"}
        sweeper.cancel()


async def test_unload_refuses_a_model_in_use() -> None:
    async with pool_of() as pool:
        async with pool.lease(CARD):
            assert not await pool.unload(CARD)
        assert await pool.unload(CARD)
        assert loaded(pool) == set()


async def test_cancelling_a_stream_stops_its_step_and_frees_the_turn() -> None:
    slow = other("slow", setup={"step_seconds": 120})
    async with pool_of() as pool, pool.lease(slow) as handle:
        stream = asyncio.create_task(speak(handle))
        await asyncio.sleep(0.05)
        stream.cancel()
        async with asyncio.timeout(60):
            await asyncio.wait([stream])
        assert stream.cancelled()
        assert pool.states()[0].waiting == 0


async def test_streams_share_by_what_their_listeners_have_left() -> None:
    made: list[str] = []

    async def listen(handle: EngineHandle, name: str) -> None:
        playback = Playback()
        for _ in range(4):
            made.extend([name async for _ in handle.run(Synthesizer.synthesize, REQUEST, playback=playback)])

    async with pool_of() as pool, pool.lease(CARD) as handle:
        await asyncio.gather(*(listen(handle, name) for name in "abc"))
    assert sorted(made[:3]) == sorted(made[3:6]) == ["a", "b", "c"]


async def test_a_request_ends_without_another_turn() -> None:
    slow = other("slow", setup={"step_seconds": 0.2})
    made = Counter[str]()

    async def listen(handle: EngineHandle, name: str) -> None:
        async for _ in handle.run(Synthesizer.synthesize, REQUEST):
            made[name] += 1

    async with pool_of() as pool, pool.lease(slow) as handle:
        first, *others = (asyncio.create_task(listen(handle, name)) for name in ("first", "other", "other"))
        await first
        assert made == {"first": 1}
        await asyncio.gather(*others)
