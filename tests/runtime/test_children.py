"""Models in processes of their own: what is asked of them comes back, and what ends them ends nothing else."""

import asyncio
import gc
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import psutil
import pytest
import uvloop
from tests.processes import model_processes
from tests.runtime import misbehaving
from tests.runtime.misbehaving import CRASHES

from ttsai_server.domain import ModelCard, Preset, SpeechRequest
from ttsai_server.engines.base import Synthesizer
from ttsai_server.engines.catalog import Catalog
from ttsai_server.errors import EngineFailed, ModelCrashed, ModelLoading, WeightsMissing
from ttsai_server.runtime import children
from ttsai_server.runtime.base import EngineHandle
from ttsai_server.runtime.children import Child
from ttsai_server.runtime.placement import starter
from ttsai_server.runtime.pool import Pool
from ttsai_server.runtime.slot import Handle
from ttsai_server.settings import Models, Settings

pytestmark = pytest.mark.service

TOP = Path(__file__).parents[2]
CARD = misbehaving.card()


@asynccontextmanager
async def pool_of(**models: float) -> AsyncGenerator[Pool]:
    settings = Settings(models=Models(**{"restart_seconds": 0.1, **models}))  # pyright: ignore[reportArgumentType]
    pool = Pool(settings.models, starter(settings))
    try:
        yield pool
    finally:
        await pool.close()


async def say(handle: EngineHandle, text: str = "ordinary") -> int:
    """How many steps it took."""
    request = SpeechRequest(text, (Preset("tone_a"),), "en")
    return len([audio async for audio in handle.run(Synthesizer.synthesize, request)])


async def under_way(handle: EngineHandle, text: str) -> "asyncio.Task[int]":
    """A run of `say` whose first step is done and whose second has begun, or that has failed."""
    first = asyncio.Event()

    async def run() -> int:
        request = SpeechRequest(text, (Preset("tone_a"),), "en")
        count = 0
        try:
            async for _ in handle.run(Synthesizer.synthesize, request):
                count += 1
                first.set()
        finally:
            first.set()
        return count

    task = asyncio.create_task(run())
    await first.wait()
    await asyncio.sleep(0.1)  # for the second step to reach the engine
    return task


async def leased_say(pool: Pool, text: str = "ordinary", card: ModelCard = CARD) -> int:
    async with pool.lease(card) as handle:
        return await say(handle, text)


OTHERS: set[psutil.Process] = set()
"""Of servers that other tests share and have used before this one."""


@pytest.fixture(autouse=True)
def _others() -> None:  # pyright: ignore[reportUnusedFunction]
    OTHERS.clear()
    OTHERS.update(model_processes())


def processes() -> list[psutil.Process]:
    """The models' processes that this test has started."""
    return [process for process in model_processes() if process not in OTHERS]


async def test_a_model_with_native_code_runs_in_a_process_of_its_own() -> None:
    async with pool_of() as pool:
        assert await leased_say(pool) == 2
        (process,) = processes()
        assert pool.states()[0].memory_mb == pytest.approx(process.memory_info().rss / 2**20, rel=0.1)


async def test_unloading_ends_the_process() -> None:
    async with pool_of() as pool:
        await leased_say(pool)
        (process,) = processes()
        assert await pool.unload(CARD)
        assert not process.is_running()
        assert await leased_say(pool) == 2
    assert not processes()


async def test_turned_off_all_models_run_in_the_servers_process() -> None:
    async with pool_of(processes=False) as pool:
        assert await leased_say(pool) == 2
        assert not processes()


@pytest.mark.parametrize("crash", CRASHES)
async def test_a_crash_ends_its_streams_and_nothing_else(crash: str) -> None:
    async with pool_of() as pool:
        async with pool.lease(CARD) as handle:
            assert await say(handle) == 2
            with pytest.raises(ModelCrashed) as told:
                await say(handle, crash)
            assert told.value.status == 503
            assert int(told.value.headers["Retry-After"]) > 0
            with pytest.raises(ModelCrashed):
                await say(handle)
        await asyncio.sleep(0.1)
        assert await leased_say(pool) == 2


async def test_a_crash_is_logged_with_its_signal(caplog: pytest.LogCaptureFixture) -> None:
    async with pool_of() as pool:
        with pytest.raises(ModelCrashed):
            await leased_say(pool, "segfault")
    assert any("SIGSEGV" in record.message for record in caplog.records)


async def test_all_streams_of_a_crashed_model_end() -> None:
    card = misbehaving.card(concurrency=2)
    async with pool_of() as pool, pool.lease(card) as handle:
        waiting = await under_way(handle, "hang")
        with pytest.raises(ModelCrashed):
            await say(handle, "kill")
        with pytest.raises(ModelCrashed):
            await waiting


@pytest.mark.parametrize("ended", [True, False], ids=["its steps done", "none begun"])
def test_a_process_that_is_found_dead_ends_no_run_that_is_done(ended: bool) -> None:
    """By uvloop, whose writers raise RuntimeError between the end of a connection and its announcement."""

    async def send() -> None:
        async with pool_of() as pool, pool.lease(CARD) as handle:
            assert await say(handle) == 2
            assert isinstance(handle, Handle)
            child = handle.model
            assert isinstance(child, Child)
            async with child.steps("synthesize", (SpeechRequest("Yes.", (Preset("tone_a"),), "en"),)) as next_step:
                assert await next_step()
                child._writer.transport.abort()
                await asyncio.sleep(0)
                if not ended:
                    await say(handle)
            assert not child.alive

    with nullcontext() if ended else pytest.raises(ModelCrashed):
        uvloop.run(send())


async def test_another_model_outlives_a_crash() -> None:
    other = misbehaving.card("other")
    async with pool_of() as pool, pool.lease(other) as handle:
        assert await say(handle) == 2
        with pytest.raises(ModelCrashed):
            await leased_say(pool, "kill")
        assert await say(handle) == 2


async def test_a_load_that_hangs_ends_with_its_process() -> None:
    async with pool_of(load_seconds=1) as pool:
        with pytest.raises(ModelLoading):
            await leased_say(pool, card=misbehaving.card(setup={"hang_on_load": True}))
        assert pool.states()[0].crashed
    assert not processes()


async def test_a_model_that_crashes_as_it_loads_is_not_loaded_again_at_once(tmp_path: Path) -> None:
    crashes = tmp_path / "crashes"
    crashes.write_text("one")
    card = misbehaving.card(setup={"crash_on_load": str(crashes)})
    async with pool_of(restart_seconds=50) as pool:
        with pytest.raises(ModelLoading) as first:
            await leased_say(pool, card=card)
        assert not isinstance(first.value, ModelCrashed), "no work was under way"
        with pytest.raises(ModelLoading) as told:
            await leased_say(pool, card=card)
        assert crashes.read_text() == "ne"
        assert 0 < told.value.retry_after <= 50
        assert pool.states()[0].crashed
        assert not pool.states()[0].loaded


async def test_an_engine_that_raises_tells_what_and_lives_on(capfd: pytest.CaptureFixture[str]) -> None:
    async with pool_of() as pool, pool.lease(CARD) as handle:
        with pytest.raises(EngineFailed, match="ZeroDivisionError: by nothing"):
            await say(handle, "raise")
        assert await say(handle) == 2
    assert "Traceback" in capfd.readouterr().err


async def test_what_is_missing_is_told_without_starting_a_process(tmp_path: Path) -> None:
    kokoro = Catalog.read(Settings().models.cards).models["kokoro"]
    async with pool_of(dir=tmp_path) as pool:  # pyright: ignore[reportArgumentType]
        with pytest.raises(WeightsMissing):
            await leased_say(pool, card=kokoro)
        assert not processes()


async def test_a_step_that_is_cancelled_stops_and_the_process_lives_on() -> None:
    async with pool_of() as pool, pool.lease(CARD) as handle:
        stream = await under_way(handle, "obey")
        (process,) = processes()
        stream.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stream
        assert await say(handle) == 2
        assert processes() == [process]


async def test_a_step_cancelled_twice_still_ends_before_its_run_does() -> None:
    card = misbehaving.card(concurrency=2)
    async with pool_of() as pool, pool.lease(card) as handle:
        stream = await under_way(handle, "finish")
        (process,) = processes()
        for _ in range(2):
            stream.cancel()
            await asyncio.sleep(0.01)
        with pytest.raises(asyncio.CancelledError):
            await stream
        assert await say(handle) == 2
        assert processes() == [process]


async def test_a_step_cancelled_as_its_process_dies_is_cancelled() -> None:
    async with pool_of() as pool, pool.lease(CARD) as handle:
        stream = await under_way(handle, "hang")
        assert isinstance(handle, Handle)
        assert isinstance(handle.model, Child)
        handle.model._kill("the test")
        stream.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stream


async def test_a_step_that_goes_on_after_its_cancellation_ends_no_other_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "STOP_SECONDS", 0.05)
    card = misbehaving.card(concurrency=2)
    async with pool_of() as pool, pool.lease(card) as handle:
        beside = await under_way(handle, "obey")
        stream = await under_way(handle, "finish")
        stream.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stream
        assert not beside.done()
        beside.cancel()
        with pytest.raises(asyncio.CancelledError):
            await beside


async def test_a_step_that_goes_on_after_its_cancellation_is_killed_as_no_crash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(children, "STOP_SECONDS", 0.2)
    async with pool_of(restart_seconds=50) as pool:
        async with pool.lease(CARD) as handle:
            stream = await under_way(handle, "hang")
            stream.cancel()
            with pytest.raises(asyncio.CancelledError):
                await stream
        assert not pool.states()[0].crashed
        assert await leased_say(pool) == 2


async def test_a_step_that_takes_too_long_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "STOP_SECONDS", 0.1)
    async with pool_of(step_seconds=0.5) as pool:
        with pytest.raises(ModelCrashed):
            await leased_say(pool, "hang")
        assert pool.states()[0].crashed
        await asyncio.sleep(0.1)
        assert await leased_say(pool) == 2


async def test_a_process_that_has_grown_is_replaced_once_its_runs_have_ended() -> None:
    async with pool_of(recycle_mb=500) as pool:
        async with pool.lease(CARD) as handle:
            await say(handle)
            (old,) = processes()
            assert await say(handle, "grow") == 2
            assert await leased_say(pool) == 2
            assert len(processes()) == 2
            assert await say(handle) == 2
        assert not old.is_running()
        assert len(processes()) == 1


async def test_a_cancelled_load_leaves_no_process() -> None:
    async with pool_of() as pool:
        load = asyncio.create_task(leased_say(pool))
        async with asyncio.timeout(60):
            while not processes():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        load.cancel()
    assert not processes()


async def test_a_load_cancelled_at_its_very_start_leaves_no_process() -> None:
    load = asyncio.create_task(Child.start(CARD, Settings()))
    await asyncio.sleep(0)
    assert processes()
    load.cancel()
    with pytest.raises(asyncio.CancelledError):
        await load
    assert not processes()


async def test_loads_and_unloads_leave_no_open_files() -> None:
    async with pool_of() as pool:
        await leased_say(pool)
        await pool.unload(CARD)
        gc.collect()
        before = psutil.Process().num_fds()
        for _ in range(3):
            await leased_say(pool)
            await pool.unload(CARD)
        assert psutil.Process().num_fds() <= before


SERVER = """
import asyncio, sys
from tests.runtime import misbehaving
from tests.runtime.test_children import leased_say, pool_of, processes

async def main():
    async with pool_of() as pool:
        await leased_say(pool)
        busy = asyncio.create_task(leased_say(pool, "hang"))
        await asyncio.sleep(.2)
        print(processes()[0].pid, flush=True)
        await busy

asyncio.run(main())
"""


def test_a_models_process_does_not_outlive_a_killed_server() -> None:
    with subprocess.Popen([sys.executable, "-c", SERVER], cwd=TOP, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        process = psutil.Process(int(server.stdout.readline()))
        server.kill()
        server.wait()
        gone, _ = psutil.wait_procs([process], timeout=60)
        assert gone or process.status() == psutil.STATUS_ZOMBIE


async def test_interrupts_from_the_terminal_do_not_end_it() -> None:
    async with pool_of() as pool:
        await leased_say(pool)
        (process,) = processes()
        for number in (signal.SIGINT, signal.SIGTERM):
            process.send_signal(number)
        assert await leased_say(pool) == 2
        assert processes() == [process]
