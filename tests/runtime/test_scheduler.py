"""Whose step runs next."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.runtime.scheduler import DeadlineSemaphore, NoTurn


async def order_of(turns: DeadlineSemaphore, dues: list[float]) -> list[float]:
    """Hold the only permit, let a step of each deadline wait, and see in which order they run."""
    ran: list[float] = []

    async def step(due: float) -> None:
        async with turns.turn(due):
            ran.append(due)

    async with turns.turn(0):
        steps = [asyncio.create_task(step(due)) for due in dues]
        await asyncio.sleep(0)
    await asyncio.gather(*steps)
    return ran


@given(st.lists(st.floats(0, 1e6), max_size=30))
def test_the_earliest_deadline_goes_first(dues: list[float]) -> None:
    assert asyncio.run(order_of(DeadlineSemaphore(1), dues)) == sorted(dues)


async def test_no_more_steps_run_than_there_are_permits() -> None:
    turns, running, most = DeadlineSemaphore(2), 0, 0

    async def step() -> None:
        nonlocal running, most
        async with turns.turn(0):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.001)
            running -= 1

    await asyncio.gather(*(step() for _ in range(10)))
    assert most == 2


async def test_a_step_gives_up_after_its_patience() -> None:
    turns = DeadlineSemaphore(1)
    async with turns.turn(0):
        with pytest.raises(NoTurn):
            async with turns.turn(0, patience=0.01):
                pass


async def test_a_cancelled_waiter_does_not_take_the_permit_with_it() -> None:
    turns = DeadlineSemaphore(1)
    async with turns.turn(0):
        waiter = asyncio.create_task(turns.turn(0).__aenter__())
        await asyncio.sleep(0)
        waiter.cancel()
    async with turns.turn(0, patience=0.01):
        pass


async def test_a_waiter_cancelled_as_its_turn_comes_passes_it_on() -> None:
    turns = DeadlineSemaphore(1)
    held = turns.turn(0)
    await held.__aenter__()
    waiter = asyncio.create_task(turns.turn(0).__aenter__())
    await asyncio.sleep(0)
    await held.__aexit__(None, None, None)  # the turn is the waiter's now
    waiter.cancel()
    await asyncio.wait([waiter])
    async with turns.turn(0, patience=0.01):
        pass


async def test_waiting_steps_are_counted() -> None:
    turns = DeadlineSemaphore(1)
    async with turns.turn(0):
        waiter = asyncio.create_task(turns.turn(0).__aenter__())
        await asyncio.sleep(0)
        assert turns.waiting == 1
        waiter.cancel()
