"""Sessions in which somebody speaks, by the real models: Kokoro's speech, Silero and Whisper."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from tests.listening import wer
from tests.speaker import Speaker

from ttsai_server.app import create_app
from ttsai_server.domain import Caller
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.live_transcription import (
    FinalText,
    HearingFailed,
    LiveEvent,
    LiveOrder,
    LiveTranscription,
    PartialText,
    SpeechStarted,
    SpeechStopped,
    plan_live_transcription,
)
from ttsai_server.settings import Jobs, Models, Settings
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import open_database

RATE = 24_000
"""Of what is said, and sent."""
FIRST = "The old lighthouse keeper climbed the stairs every evening, counting each step under his breath."
SECOND = "Nobody knew exactly how the fire had started."
CREDITS = 100
MODEL = "whisper-tiny.en"
E = TypeVar("E")


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.float32)


@asynccontextmanager
async def context(folder: Path, models: Path) -> AsyncGenerator[tuple[ServiceContext, Caller]]:
    """Of a server, and an account of it."""
    app = create_app(Settings(data_dir=folder, models=Models(dir=models), jobs=Jobs(run=False)))
    async with app.router.lifespan_context(app):
        context: ServiceContext = app.state.services.flow.context
        database = open_database(context.settings)
        account = await Accounts(database).create("Ann", "pro", CREDITS)
        await database.close()
        yield context, Caller(account.id, account.plan, "key")


class Session:
    """A session, and what it has told."""

    def __init__(self, live: LiveTranscription) -> None:
        self.live = live
        self.told: list[LiveEvent] = []
        self._more = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for event in self.live.events():
            self.told.append(event)
            self._more.set()

    async def until(self, wanted: Callable[[LiveEvent], bool]) -> None:
        """Wait until there is such an event."""
        async with asyncio.timeout(120):
            while not any(map(wanted, self.told)):
                self._more.clear()
                await self._more.wait()

    async def end(self) -> list[LiveEvent]:
        await self.live.end()
        await asyncio.wait_for(self._reading, 120)
        return self.told


@asynccontextmanager
async def session(context: ServiceContext, caller: Caller, order: LiveOrder) -> AsyncGenerator[Session]:
    plan = await asyncio.to_thread(plan_live_transcription, context, caller, order)
    async with LiveTranscription(plan, caller, context, RATE) as live:
        yield Session(live)


async def conversation(
    context: ServiceContext, caller: Caller, first: np.ndarray, second: np.ndarray
) -> list[LiveEvent]:
    """Two utterances; the speaker waits in the first one until he has read some of it."""
    async with session(context, caller, LiveOrder(MODEL)) as live:
        await live.live.push(silence(0.5))
        await live.live.push(first[: 2 * RATE])
        await live.until(lambda told: isinstance(told, PartialText))
        await live.live.push(first[2 * RATE : 4 * RATE])
        await live.until(lambda told: isinstance(told, PartialText) and bool(told.stable))
        await live.live.push(np.concatenate([first[4 * RATE :], silence(1.5), second, silence(0.1)]))
        return await live.end()


async def by_hand(context: ServiceContext, caller: Caller, second: np.ndarray) -> list[LiveEvent]:
    """The client says where utterances end, and takes one back."""
    async with session(context, caller, LiveOrder(MODEL, partials=False, detection=None)) as live:
        await live.live.push(second)
        assert await live.live.commit() == 1
        await live.live.push(second[:RATE])
        await live.live.clear()
        await live.live.push(second)
        assert await live.live.commit() == 3
        assert await live.live.commit() is None
        return await live.end()


async def faint(context: ServiceContext, caller: Caller, second: np.ndarray) -> list[LiveEvent]:
    """A quarter of a second after the sound has begun, somebody speaks at -75 dBFS, with some noise."""
    noise = np.random.default_rng(0).normal(0, 1e-5, 6 * RATE).astype(np.float32)
    noise[RATE // 4 : RATE // 4 + len(second)] += 0.002 * second
    async with session(context, caller, LiveOrder(MODEL, partials=False)) as live:
        await live.live.push(noise)
        return await live.end()


async def unpaid(context: ServiceContext, caller: Caller) -> list[LiveEvent]:
    """Of an account that has nothing left."""
    rest = await context.billing.reserve(caller, 0)
    await context.billing.reserve(caller, rest.remaining or 0)
    async with session(context, caller, LiveOrder(MODEL, detection=None)) as live:
        await live.live.push(silence(1))
        return await live.end()


@dataclass(frozen=True)
class Told:
    conversation: list[LiveEvent]
    by_hand: list[LiveEvent]
    faint: list[LiveEvent]
    unpaid: list[LiveEvent]
    charged: int
    """Credits, of the conversation."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, models_dir: Path, speaker: Speaker, tiny_weights: Path) -> Told:
    first, second = (speaker.timed("af_heart", text)[0] for text in (FIRST, SECOND))

    async def run() -> Told:
        async with context(tmp_path_factory.mktemp("live"), models_dir) as (services, caller):
            talk = await conversation(services, caller, first, second)
            hold = await services.billing.reserve(caller, 0)
            return Told(
                conversation=talk,
                charged=CREDITS - (hold.remaining or 0),
                by_hand=await by_hand(services, caller, second),
                faint=await faint(services, caller, second),
                unpaid=await unpaid(services, caller),
            )

    return asyncio.run(run())


def of(kind: type[E], told: list[LiveEvent], utterance: int | None = None) -> list[E]:
    """The events of a kind."""
    return [event for event in told if isinstance(event, kind) and utterance in (None, event.utterance)]


def test_what_is_said_is_told_at_the_end_of_each_utterance(told: Told) -> None:
    first, second = of(FinalText, told.conversation)
    assert wer(FIRST, first.text) <= 0.1
    assert wer(SECOND, second.text) <= 0.1
    assert (first.last, second.last, first.language) == (True, True, "en")


def test_starts_and_stops_of_speech_are_told_with_their_positions(told: Told) -> None:
    starts, stops = of(SpeechStarted, told.conversation), of(SpeechStopped, told.conversation)
    assert [event.utterance for event in (*starts, *stops)] == [1, 2, 1, 2]
    assert starts[0].position / 16_000 == pytest.approx(0.7, abs=0.3)
    assert stops[0].position < starts[1].position - 16_000


def test_utterances_are_told_in_order_each_from_its_start_to_its_final_text(told: Told) -> None:
    kinds = [type(event) for event in told.conversation if event.utterance == 1]
    assert kinds[0] is SpeechStarted
    assert kinds[-2:] == [SpeechStopped, FinalText]
    assert set(kinds[1:-2]) == {PartialText}


def test_what_is_told_of_an_utterance_while_it_goes_on_is_how_its_final_text_begins(told: Told) -> None:
    for utterance in (1, 2):
        partials = of(PartialText, told.conversation, utterance)
        (final,) = of(FinalText, told.conversation, utterance)
        assert "".join(event.added for event in (*partials, final)) == final.text
        assert all(final.text.startswith(event.stable) for event in partials)
    assert any(event.stable for event in of(PartialText, told.conversation))


def test_words_have_their_times_in_all_the_sound(told: Told) -> None:
    first, second = of(FinalText, told.conversation)
    times = [time for word in (*first.words, *second.words) for time in (word.start, word.end)]
    assert times == sorted(times)
    assert second.start <= second.words[0].start <= second.words[-1].end <= second.end
    assert second.words[0].start == pytest.approx(of(SpeechStarted, told.conversation)[1].position / 16_000, abs=0.4)


def test_a_started_minute_is_charged_of_the_session_not_of_each_utterance(told: Told) -> None:
    assert told.charged == 2


def test_an_utterance_ends_where_the_client_says(told: Told) -> None:
    assert [type(event) for event in told.by_hand] == [FinalText, FinalText]
    assert [event.utterance for event in told.by_hand] == [1, 3]
    assert all(wer(SECOND, event.text) <= 0.1 for event in of(FinalText, told.by_hand))


def test_faint_speech_is_heard(told: Told) -> None:
    (final,) = of(FinalText, told.faint)
    assert wer(SECOND, final.text) <= 0.1


def test_who_cannot_pay_is_told_so(told: Told) -> None:
    (failed,) = of(HearingFailed, told.unpaid)
    assert failed.error.status == 402
    assert failed.last
