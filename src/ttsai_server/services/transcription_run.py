"""A recording being transcribed: file to sound, sound to text, speakers to words, the bill."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import BinaryIO

from ttsai_server.audio.channels import speakers_apart
from ttsai_server.audio.recording import Recording
from ttsai_server.domain import (
    Caller,
    DiarizationRequest,
    ModelCard,
    PartialTranscript,
    Transcript,
    TranscriptionRequest,
    Turn,
)
from ttsai_server.engines.base import Diarizer, Transcriber
from ttsai_server.errors import BadRequest
from ttsai_server.metrics import Metrics
from ttsai_server.services.billing import Hold, charged, minutes_price
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.speakers import Labeller, by_channel
from ttsai_server.store.ledger import Used

logger = logging.getLogger(__name__)

SLOWEST = 10
"""Times its own length that a recording may take to be heard before its credits count as forgotten by a crash."""
PROGRESS_SECONDS = 30
"""How often the log tells how far a long recording is."""


@dataclass(frozen=True, slots=True)
class TranscriptionPlan:
    """A checked order: how a recording is to be heard."""

    card: ModelCard
    request: TranscriptionRequest
    diarizer: ModelCard | None = None
    """What tells the speakers apart, if they are to be told."""
    speakers: DiarizationRequest = field(default_factory=DiarizationRequest)
    by_channel: bool = False
    """Whether each channel is one speaker's; a recording that is not stereo is refused."""


class TranscriptionRun:
    """Owns the recording, the lease of the model and the reservation, and gives all back when its steps end.

    Ends well: all is charged. Fails: nothing is. Closed early, because the client left: what was heard is.
    """

    def __init__(self, plan: TranscriptionPlan, file: BinaryIO, caller: Caller, context: ServiceContext) -> None:
        self.plan = plan
        self.seconds = 0.0
        """Length of the recording, once it is decoded."""
        self._file = file
        self._caller = caller
        self._context = context
        self._hold: Hold | None = None
        self._heard = 0.0
        """Seconds of the recording that are done with."""

    @property
    def hold(self) -> Hold:
        """The credits; there from the first partial transcript on."""
        assert self._hold
        return self._hold

    async def price(self) -> int:
        """Credits for all of it; the file is decoded for its length. Raises BadRequest or FileTooLarge for the file."""
        with await self._decode() as recording:
            return self._price(recording.seconds)

    async def partials(self) -> AsyncGenerator[PartialTranscript]:
        """What is said, as it is heard; at least one.

        Raises BadRequest or FileTooLarge for the file, InsufficientCredits, ModelLoading, or what the engine raises.
        Must be closed (`aclosing`).
        """
        with await self._decode() as recording:
            self.seconds = recording.seconds
            slowest = SLOWEST * self.seconds
            self._hold = await self._context.billing.reserve(self._caller, self._price(self.seconds), slowest)
            async with (
                charged(self._hold, self._used, self._context.metrics),
                aclosing(self._listen(recording)) as partials,
            ):
                async for partial in partials:
                    yield partial

    def transcript(self, partials: Sequence[PartialTranscript]) -> Transcript:
        """All of them in one."""
        segments = tuple(segment for partial in partials for segment in partial.segments)
        return Transcript(segments, partials[-1].language, self.seconds, translated=self.plan.request.translate)

    async def _decode(self) -> Recording:
        longest = self._context.settings.transcription.max_seconds
        channels = None if self.plan.by_channel else 1
        recording = await self._context.decoders.decode(
            self._file, longest, rate=self.plan.card.rate, channels=channels
        )
        if self.plan.by_channel and recording.channels != 2:
            recording.close()
            raise BadRequest(
                f"'diarize=channel' needs a stereo recording, one speaker a channel; this one has "
                f"{recording.channels} channel{'s' if recording.channels > 1 else ''}.",
                param="diarize",
            )
        return recording

    async def _listen(self, recording: Recording) -> AsyncGenerator[PartialTranscript]:
        progress = Progress(self.plan.card.id, recording.seconds, self._context.metrics)
        heard = self._channels(recording) if self.plan.by_channel else self._whole(recording)
        try:
            async with aclosing(heard) as partials:
                async for partial in partials:
                    self._heard = partial.end
                    progress.reach(partial.end)
                    yield partial
        finally:
            progress.end()

    async def _whole(self, recording: Recording) -> AsyncGenerator[PartialTranscript]:
        label = Labeller(await self._turns(recording)) if self.plan.diarizer else None
        async with aclosing(self._transcribed(recording)) as partials:
            async for partial in partials:
                yield replace(partial, segments=label(partial.segments)) if label else partial

    async def _channels(self, recording: Recording) -> AsyncGenerator[PartialTranscript]:
        """One channel after the other; the last partial transcript has all that was said."""
        heard: list[list[PartialTranscript]] = []
        with ExitStack() as closing:
            alone = [closing.enter_context(one) for one in await asyncio.to_thread(speakers_apart, recording)]
            for number, channel in enumerate(alone):
                heard.append([])
                async with aclosing(self._transcribed(channel)) as partials:
                    async for partial in partials:
                        heard[-1].append(partial)
                        done = (number * recording.seconds + partial.end) / len(alone)
                        if done < recording.seconds:
                            yield PartialTranscript(self._heard, done, (), partial.language)
        yield by_channel(heard, self._heard, recording.seconds)

    async def _transcribed(self, recording: Recording) -> AsyncGenerator[PartialTranscript]:
        async with (
            self._context.runtime.lease(self.plan.card) as handle,
            aclosing(handle.run(Transcriber.transcribe, recording, self.plan.request)) as partials,
        ):
            async for partial in partials:
                yield partial

    async def _turns(self, recording: Recording) -> tuple[Turn, ...]:
        assert self.plan.diarizer
        turns: tuple[Turn, ...] = ()
        async with (
            self._context.runtime.lease(self.plan.diarizer) as handle,
            aclosing(handle.run(Diarizer.diarize, recording, self.plan.speakers)) as found,
        ):
            async for diarization in found:
                turns = diarization.turns
        return turns

    def _price(self, seconds: float) -> int:
        return minutes_price(seconds, self._context.settings.prices.stt_per_minute)

    def _used(self) -> Used:
        return Used("stt", self.plan.card.id, 0, self._heard, self._price(self._heard))


class Progress:
    """How far a recording is, in the metrics and, if it takes long, in the log."""

    def __init__(self, model: str, seconds: float, metrics: Metrics) -> None:
        self._model = model
        self._seconds = seconds
        self._done = 0.0
        self._told = monotonic()
        self._heard = metrics.heard.labels(model)
        self._unheard = metrics.unheard.labels(model)
        self._unheard.inc(seconds)

    def reach(self, second: float) -> None:
        self._heard.inc(second - self._done)
        self._unheard.dec(second - self._done)
        self._done = second
        if monotonic() - self._told >= PROGRESS_SECONDS:
            self._told = monotonic()
            logger.info("%s has heard %.0f of %.0f s", self._model, second, self._seconds)

    def end(self) -> None:
        """Done, or given up."""
        self._unheard.dec(self._seconds - self._done)
