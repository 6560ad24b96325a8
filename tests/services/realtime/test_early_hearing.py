"""What is heard in a pause is not heard again, and little is heard in vain."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

import numpy as np

from ttsai_server.errors import ModelLoading
from ttsai_server.services.realtime.config import Listening
from ttsai_server.services.realtime.early_hearing import EarlyHearing
from ttsai_server.services.realtime.input_audio import Turn

RATE = 24_000


def turn(spoken: int | None, item_id: str = "item_1") -> Turn:
    return Turn(item_id, np.zeros(RATE, np.int16), RATE, 1000, spoken)


class Transcriber:
    """Takes until it is told to go on, if it is told to wait."""

    def __init__(self) -> None:
        self.heard: list[int | None] = []
        self.ended = 0
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def transcribe(self, turn: Turn, listening: Listening | None) -> str:
        self.heard.append(turn.spoken)
        try:
            await asyncio.sleep(0.001)
            await self.go_on.wait()
        finally:
            self.ended += 1
        return f"until {turn.spoken}"


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 what it waits for is another task's
            await asyncio.sleep(0.001)


def pauses_at(early: EarlyHearing, spoken: int | None) -> None:
    early.follow(spoken, turn, None)


def told(early: EarlyHearing, spoken: int) -> Awaitable[str]:
    early.keep(turn(spoken))
    return early.text(turn(spoken), None)


async def test_what_was_heard_in_the_pause_that_ends_a_turn_is_its_text() -> None:
    transcriber = Transcriber()
    early = EarlyHearing(transcriber.transcribe)
    for _ in range(3):
        pauses_at(early, 100)
    assert await told(early, 100) == "until 100"
    assert transcriber.heard == [100]


async def test_if_the_speaker_goes_on_it_is_broken_off_and_all_is_heard() -> None:
    transcriber = Transcriber()
    transcriber.go_on.clear()
    early = EarlyHearing(transcriber.transcribe)
    pauses_at(early, 100)
    await until(lambda: transcriber.heard)
    pauses_at(early, None)
    await until(lambda: transcriber.ended)
    transcriber.go_on.set()
    assert await told(early, 200) == "until 200"
    assert transcriber.heard == [100, 200]


async def test_after_much_in_vain_nothing_is_heard_early_until_enough_was_heard_that_counts() -> None:
    transcriber = Transcriber()
    early = EarlyHearing(transcriber.transcribe)
    pauses_at(early, 100)
    await until(lambda: transcriber.ended)
    pauses_at(early, None)
    pauses_at(early, 200)
    assert transcriber.heard == [100]
    pauses_at(early, None)
    transcriber.heard.clear()
    async with asyncio.timeout(60):
        for number in count():
            pauses_at(early, number)
            await asyncio.sleep(0.002)
            if transcriber.heard[-1:] == [number]:
                return
            await told(early, number)


async def test_what_was_heard_otherwise_than_wanted_now_is_heard_again() -> None:
    transcriber = Transcriber()
    early = EarlyHearing(transcriber.transcribe)
    pauses_at(early, 100)
    early.keep(turn(100))
    assert await early.text(turn(100), Listening(language="es")) == "until 100"
    assert transcriber.heard[-1] == 100
    assert len(transcriber.heard) <= 2


async def test_what_could_not_be_heard_in_the_pause_is_heard_at_the_end_of_the_turn() -> None:
    transcriber = Transcriber()

    async def busy_at_first(turn: Turn, listening: Listening | None) -> str:
        text = await transcriber.transcribe(turn, listening)
        if len(transcriber.heard) == 1:
            raise ModelLoading("busy", retry_after=1)
        return text

    early = EarlyHearing(busy_at_first)
    pauses_at(early, 100)
    await until(lambda: transcriber.ended)
    await asyncio.sleep(0)  # the task that has ended is told so
    assert await told(early, 100) == "until 100"
    assert transcriber.heard == [100, 100]


async def test_a_turn_that_nobody_asks_for_was_heard_in_vain() -> None:
    transcriber = Transcriber()
    early = EarlyHearing(transcriber.transcribe)
    pauses_at(early, 100)
    await until(lambda: transcriber.ended)
    early.keep(turn(100))
    early.forget("item_1")
    pauses_at(early, 200)
    assert transcriber.heard == [100]
    early.close()
