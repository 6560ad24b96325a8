"""Hears segments while they grow: again and again as long as they go on, and once more when they are over."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Caller, Word, text_of
from ttsai_server.engines.base import Transcriber
from ttsai_server.errors import ApiError, InternalError
from ttsai_server.runtime.base import Playback
from ttsai_server.services.billing import charged
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.live_transcription.agreement import Agreement
from ttsai_server.services.live_transcription.events import FinalText, HearingFailed, LiveEvent, PartialText
from ttsai_server.services.live_transcription.plan import RATE
from ttsai_server.services.live_transcription.segment import STEP, Samples, Segment
from ttsai_server.store.ledger import Used

logger = logging.getLogger(__name__)

RESERVED_SECONDS = 30
"""More than a segment has."""
REST = 1.0
"""How long a session hears nothing after a hearing of a segment that goes on, in lengths of that hearing: on a slow
machine it hears less often, and others get their turns."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What a model makes of a segment's sound up to `end`, samples from its start."""

    end: int
    words: Sequence[Word]
    """With times from the start of the session."""
    language: str


class Listener:
    """Transcribes the segments of one session, one after the other."""

    def __init__(self, caller: Caller, context: ServiceContext, report: Callable[[LiveEvent], Awaitable[None]]) -> None:
        self._caller = caller
        self._context = context
        self._report = report
        self._charged = 0.0
        """Seconds of sound that are paid: started minutes are charged of the session, not of each segment."""
        self._begun = 0
        """The latest utterance that has text."""
        self._not_before = 0.0
        """When the next hearing of a segment that goes on may begin, by the loop's clock."""
        self._broken_off = False
        """Whether the latest hearing was, since it did not hear the speech before a pause."""

    async def transcribe(self, segment: Segment) -> None:
        """Report what is said in it, until it is over; also a failure."""
        try:
            await segment.worth_hearing(self._not_before)
            if not segment.dropped:
                await self._follow_paid(segment)
        except ApiError as error:
            await self._report(HearingFailed(segment.utterance, error, segment.last))
        except Exception:
            logger.exception("live transcription failed")
            error = InternalError("Something went wrong on the server.")
            await self._report(HearingFailed(segment.utterance, error, segment.last))

    async def _follow_paid(self, segment: Segment) -> None:
        """What has been reported is charged, also if the session ends meanwhile; nothing if it fails."""
        hold = await self._context.billing.reserve(self._caller, self._credits(segment, RESERVED_SECONDS))
        async with charged(hold, partial(self._used, segment), self._count):
            await self._follow(segment)

    async def _follow(self, segment: Segment) -> None:
        agreement = Agreement()
        latest: Hearing | None = None
        while not segment.dropped and not (latest and segment.is_heard(latest.end)):
            if hearing := await self._hear(segment):
                latest = hearing
                if segment.plan.partials and not segment.over.is_set():
                    await self._tell_partial(segment, agreement, hearing)
            await segment.worth_hearing(self._not_before)
        if latest and not segment.dropped:
            await self._tell_final(segment, agreement, latest)

    async def _hear(self, segment: Segment) -> Hearing | None:
        """What is said up to now; None if that is not wanted any more, or failed though the segment goes on."""
        segment.heard = segment.frames
        hearing = asyncio.create_task(self._heard(segment, segment.frames))
        # a pause breaks off no two in a row: else nothing would be reported on a slow machine
        outdated = asyncio.create_task(segment.ends_unheard(pauses=not self._broken_off))
        try:
            await asyncio.wait([hearing, outdated], return_when=asyncio.FIRST_COMPLETED)
            self._broken_off = not hearing.done()
            return None if self._broken_off else await hearing
        except ApiError as error:
            if segment.over.is_set():
                raise
            logger.info("a hearing is left out: %s", error.message)
            return None
        finally:
            for task in (hearing, outdated):
                task.cancel()
            await asyncio.wait([hearing, outdated])
            _ = hearing.cancelled() or hearing.exception()  # seen here, if it failed while it was broken off

    async def _heard(self, segment: Segment, end: int) -> Hearing:
        plan, began = segment.plan.listening, asyncio.get_running_loop().time()
        playback = Playback()
        if not segment.over.is_set():  # it gives way to what somebody waits for
            playback.add(STEP / RATE)
        words: list[Word] = []
        language = plan.request.language or ""
        with await asyncio.to_thread(_recording, segment.sound[:end]) as sound:
            heard = await self._context.sound.resample(self._caller, sound, plan.card.rate)
            try:
                async with (
                    self._context.runtime.lease(plan.card) as handle,
                    aclosing(handle.run(Transcriber.transcribe, heard, plan.request, playback=playback)) as steps,
                ):
                    async for step in steps:
                        words += (word for said in step.segments for word in said.words)
                        language = step.language
            finally:
                if heard is not sound:
                    heard.close()
        now, start = asyncio.get_running_loop().time(), segment.start / RATE
        self._not_before = now + REST * (now - began)
        return Hearing(end, [replace(w, start=w.start + start, end=w.end + start) for w in words], language)

    async def _tell_partial(self, segment: Segment, agreement: Agreement, hearing: Hearing) -> None:
        before = agreement.tentative
        added = agreement.add(hearing.words)
        if agreement.stable:
            segment.settled = round(agreement.stable[-1].end * RATE) - segment.start
        if added or agreement.tentative != before:
            segment.reported = hearing.end
            stable, tentative = text_of(agreement.stable), text_of(agreement.tentative)
            await self._report(PartialText(segment.utterance, self._added(segment, added), stable, tentative))

    async def _tell_final(self, segment: Segment, agreement: Agreement, hearing: Hearing) -> None:
        added = self._added(segment, agreement.finish(hearing.words))
        words, start = tuple(agreement.stable), segment.start / RATE
        segment.reported = segment.frames
        text = FinalText(
            utterance=segment.utterance,
            added=added,
            text=text_of(words),
            words=words,
            language=hearing.language,
            start=start,
            end=start + segment.seconds,
            last=segment.last,
        )
        await self._report(text)

    def _added(self, segment: Segment, words: Sequence[Word]) -> str:
        """With the space before it, unless the utterance begins with it."""
        if not words:
            return ""
        space = "" if self._begun != segment.utterance or words[0].joined else " "
        self._begun = segment.utterance
        return space + text_of(words)

    def _used(self, segment: Segment) -> Used:
        plan, seconds = segment.plan.listening, segment.reported / RATE
        return Used(plan.kind, plan.model, 0, seconds, self._credits(segment, seconds))

    def _credits(self, segment: Segment, seconds: float) -> int:
        price = segment.plan.listening.price
        return price.of(self._charged + seconds) - price.of(self._charged)

    def _count(self, used: Used) -> None:
        self._charged += used.seconds
        self._context.metrics.audio_seconds.labels(used.model).inc(used.seconds)
        self._context.metrics.credits.labels(used.model).inc(used.credits)


def _recording(sound: Samples) -> Recording:
    recording = Recording(RATE)
    recording.append(sound[:, None])
    return recording
