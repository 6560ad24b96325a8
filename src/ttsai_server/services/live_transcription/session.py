"""The sound of one session: divided into utterances and segments, which are transcribed while they grow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from types import TracebackType
from typing import Self

import numpy as np
import soxr
from numpy.typing import NDArray

from ttsai_server.domain import DETECTION_FRAME, Caller
from ttsai_server.errors import ApiError
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.live_transcription.bounds import LEAST_SPEECH, SpeechBounds
from ttsai_server.services.live_transcription.events import LiveEvent, SpeechStarted, SpeechStopped
from ttsai_server.services.live_transcription.frames import JudgedFrames
from ttsai_server.services.live_transcription.hearing import Listener
from ttsai_server.services.live_transcription.plan import RATE, LivePlan, SpeechDetection
from ttsai_server.services.live_transcription.segment import LONGEST, Samples, Segment

BLOCK_SECONDS = 0.5
"""Of what is pushed, processed at a time."""
MOST_WAITING = 4
"""Segments that wait to be transcribed; then `push` waits too."""
MOST_EVENTS = 256
"""Events that wait for the consumer; then all waits for it."""


class LiveTranscription:
    """See the package. `push`, `commit`, `clear` and `end` are for one task, one after the other."""

    def __init__(self, plan: LivePlan, caller: Caller, context: ServiceContext, rate: int) -> None:
        """rate: of what is pushed, Hertz. Each segment is charged once it is final, by `context.billing`."""
        self.plan = plan
        """May be replaced at any time, and then counts for what is pushed from then on."""
        self._context = context
        self._rate = rate
        self._resampler = None if rate == RATE else soxr.ResampleStream(rate, RATE, 1, quality="HQ")
        self._events: asyncio.Queue[LiveEvent | None] = asyncio.Queue(MOST_EVENTS)
        self._segments: asyncio.Queue[Segment | None] = asyncio.Queue(MOST_WAITING)
        self._listener = Listener(caller, context, self._events.put)
        self._worker: asyncio.Task[None] | None = None
        self._loading: asyncio.Task[None] | None = None
        self._bounds = SpeechBounds()
        self._frames = JudgedFrames(context)
        self._before = np.zeros(0, np.float32)
        """The latest sound, while nobody speaks."""
        self._position = 0
        """Of the next sample."""
        self._utterances = 0
        self._open: Segment | None = None

    async def __aenter__(self) -> Self:
        self._worker = asyncio.create_task(self._work())
        self._loading = asyncio.create_task(self._load())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Break off what is under way; texts that have been reported are charged."""
        tasks = [task for task in (self._worker, self._loading) if task]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    async def events(self) -> AsyncGenerator[LiveEvent]:
        """The events, until `end` has been called and all is final. To be consumed in a task of its own."""
        while event := await self._events.get():
            yield event

    async def push(self, samples: NDArray[np.float32]) -> None:
        """The next sound: float32 (n,), mono, in [-1, 1]. Waits while too much of the earlier one is still to be heard.

        Raises ModelLoading, or what loading the detector raises. That sound is kept, and judged with the next one.
        """
        step = max(1, round(BLOCK_SECONDS * self._rate))
        for start in range(0, len(samples), step):
            await self._take(self._resampled(samples[start : start + step]))

    async def commit(self) -> int | None:
        """End the utterance here. → its number; None if there is none, because nothing was pushed or nobody speaks."""
        if self._open:
            await self._grow(self._frames.rest(), speech=True)
        return self._close()

    async def clear(self) -> None:
        """Forget the utterance that goes on: no more of its text is reported."""
        if self._open:
            self._open.drop()
        self._open, self._bounds = None, SpeechBounds()

    async def end(self) -> None:
        """No more sound comes: end the utterance, and the events once all is final."""
        rest = self._resampled(np.zeros(0, np.float32), last=True)
        if self._open:  # else it is the end of what has been heard
            await self._take(rest)
        if self._bounds.speaking and self._open:
            await self._tell_stop(self._open)
        await self.commit()
        await self._segments.put(None)

    def _close(self) -> int | None:
        """End the utterance with what has been added to it."""
        segment, self._open, self._bounds = self._open, None, SpeechBounds()
        if segment:
            segment.end()
        return segment and segment.utterance

    def _resampled(self, samples: NDArray[np.float32], *, last: bool = False) -> Samples:
        return self._resampler.resample_chunk(samples, last=last) if self._resampler else samples

    async def _take(self, sound: Samples) -> None:
        if self.plan.detection:
            judged = await self._frames.judge(sound, self.plan.detector)
            self._position, self._frames.lost = self._position + self._frames.lost, 0
            for frame, probability in judged:
                await self._follow(frame, probability, self.plan.detection)
        elif len(sound):
            if not self._open:
                await self._begin(self._position, np.zeros(0, np.float32))
            await self._grow(sound, speech=True)

    async def _follow(self, frame: Samples, probability: float, detection: SpeechDetection) -> None:
        """A frame, judged."""
        spoke = self._bounds.speaking
        self._bounds.add(probability, detection)
        if self._open:
            await self._grow(frame, speech=self._bounds.run > 0)
            if spoke and not self._bounds.speaking:
                await self._tell_stop(self._open)
                self._close()
            return
        kept = round(detection.padding_seconds * RATE) + LEAST_SPEECH * DETECTION_FRAME
        self._before = np.concatenate([self._before, frame])[-kept:]
        self._position += len(frame)
        if self._bounds.speaking:
            first = self._position - LEAST_SPEECH * DETECTION_FRAME
            before, self._before = self._before, np.zeros(0, np.float32)
            await self._events.put(SpeechStarted(self._utterances + 1, first))
            await self._begin(self._position - len(before), before)

    async def _begin(self, start: int, sound: Samples) -> None:
        """A new utterance."""
        self._utterances += 1
        self._open = Segment(self.plan, self._utterances, start, sound)
        self._open.spoken = len(sound)
        await self._segments.put(self._open)

    async def _grow(self, sound: Samples, *, speech: bool) -> None:
        assert self._open
        self._open.add(sound, speech=speech)
        self._position += len(sound)
        if self._open.frames >= LONGEST:
            self._open = self._open.cut()
            await self._segments.put(self._open)

    async def _tell_stop(self, segment: Segment) -> None:
        await self._events.put(SpeechStopped(segment.utterance, segment.start + segment.spoken))

    async def _load(self) -> None:
        """Load the models while the first sound is coming in; if that fails, whoever needs them gets the error."""
        detecting = [self.plan.detector] if self.plan.detection else []
        for card in (*detecting, self.plan.listening.card):
            with suppress(ApiError):
                async with self._context.runtime.lease(card):
                    pass

    async def _work(self) -> None:
        while segment := await self._segments.get():
            await self._listener.transcribe(segment)
        await self._events.put(None)
