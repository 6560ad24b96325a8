"""Whose turn it is at a model that has crashed, checked against every interleaving of jobs that hypothesis finds."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.services.crash_isolation import CrashIsolation


@given(jobs=st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 3)), max_size=12))
async def test_a_suspect_has_no_other_job_beside_it(jobs: list[tuple[bool, int, int]]) -> None:
    """Each job: whether it is a suspect, when it comes, how long it takes."""
    isolation, running = CrashIsolation(), list[bool]()

    async def job(suspect: bool, comes: int, takes: int) -> None:
        await idle(comes)
        async with (isolation.alone if suspect else isolation.together)("m"):
            running.append(suspect)
            for _ in range(takes + 1):
                assert len(running) == 1 or not any(running)
                await asyncio.sleep(0)
            running.remove(suspect)

    async with asyncio.timeout(60):
        await asyncio.gather(*(job(*each) for each in jobs))


async def test_a_suspect_goes_before_jobs_that_come_later() -> None:
    isolation, order = CrashIsolation(), list[str]()

    async def job(name: str, suspect: bool) -> None:
        async with (isolation.alone if suspect else isolation.together)("m"):
            order.append(name)
            await idle(3)

    async with asyncio.TaskGroup() as group:
        for name, suspect in (("first", False), ("suspect", True), ("later", False)):
            group.create_task(job(name, suspect))
    assert order == ["first", "suspect", "later"]


async def test_a_suspect_that_is_cancelled_while_it_waits_holds_up_nobody() -> None:
    isolation = CrashIsolation()
    async with isolation.together("m"):
        waiting = asyncio.create_task(enter(isolation))
        await idle(2)
        waiting.cancel()
        await asyncio.wait([waiting])
        async with asyncio.timeout(60), isolation.together("m"):
            pass


async def test_models_do_not_wait_for_each_other() -> None:
    isolation = CrashIsolation()
    async with isolation.alone("m"), asyncio.timeout(60), isolation.alone("n"), isolation.together("o"):
        pass


async def enter(isolation: CrashIsolation) -> None:
    async with isolation.alone("m"):
        pass


async def idle(turns: int) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)
