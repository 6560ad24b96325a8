"""Several streams of steps as one."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from ttsai_server.services.merging import MOST_WAITING, merged


class Stream:
    """Numbers, and whether it has been closed."""

    def __init__(self, count: int, fails: bool = False, closes: bool = True) -> None:
        self.closed = False
        self.made = 0
        self._count = count
        self._fails = fails
        self._closes = closes

    async def steps(self) -> AsyncGenerator[int]:
        try:
            for number in range(self._count):
                await asyncio.sleep(0)
                self.made += 1
                yield number
            if self._fails:
                raise ValueError("broken")
        finally:
            self.closed = True
            if not self._closes:
                raise ValueError("can't be closed")


async def test_it_has_all_that_its_streams_have() -> None:
    streams = [Stream(3), Stream(2 * MOST_WAITING), Stream(0)]
    found = [step async for step in merged(*(stream.steps() for stream in streams))]
    assert sorted(found) == sorted([*range(3), *range(2 * MOST_WAITING)])


async def test_the_error_of_one_ends_the_others() -> None:
    endless, broken = Stream(1_000_000), Stream(2, fails=True)
    with pytest.raises(ValueError, match="broken"):
        async for _ in merged(endless.steps(), broken.steps()):
            pass
    assert endless.closed


async def test_closed_it_closes_them() -> None:
    streams = [Stream(1_000_000), Stream(1_000_000)]
    async with aclosing(merged(*(stream.steps() for stream in streams))) as steps:
        await anext(steps)
    assert all(stream.closed for stream in streams)


async def test_closed_while_steps_wait_it_ends_though_a_stream_fails_at_its_end() -> None:
    stream = Stream(1_000_000, closes=False)
    async with asyncio.timeout(60), aclosing(merged(stream.steps())) as steps:
        await anext(steps)
        for _ in range(10 * MOST_WAITING):  # until there is no room
            await asyncio.sleep(0)
    assert stream.closed
