"""A recording being transcribed: sound to text, speakers to words."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import BinaryIO

from ttsai_server.audio.channels import isolate_speakers
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
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import Outcome, OutputFile
from ttsai_server.services.recording_run import RecordingPlan, RecordingRun
from ttsai_server.services.result_json import published_transcript
from ttsai_server.services.speakers import Labeller, by_channel


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptionPlan(RecordingPlan):
    """How a recording is to be transcribed."""

    card: ModelCard
    request: TranscriptionRequest
    show_words: bool = False
    """Whether the result has the words with their times."""
    diarizer: ModelCard | None = None
    """The model that finds who speaks when; None: speakers are not asked for, or are known by channel."""
    speakers: DiarizationRequest = field(default_factory=DiarizationRequest)
    by_channel: bool = False
    """Whether each channel is one speaker's; a recording that is not stereo is refused."""

    def run(self, caller: Caller, context: ServiceContext, upload: BinaryIO | None = None) -> "TranscriptionRun":
        return TranscriptionRun(self, caller, context, upload)


class TranscriptionRun(RecordingRun[TranscriptionPlan, PartialTranscript]):
    """Its steps are what is said, as it is heard; at least one."""

    def __init__(
        self, plan: TranscriptionPlan, caller: Caller, context: ServiceContext, upload: BinaryIO | None
    ) -> None:
        super().__init__(plan, caller, context, upload)
        self._partials: list[PartialTranscript] = []

    @property
    def transcript(self) -> Transcript:
        """All that was said; once the steps have ended."""
        segments = tuple(segment for partial in self._partials for segment in partial.segments)
        language = self._partials[-1].language
        return Transcript(segments, language, self.seconds, translated=self.plan.request.translate)

    async def outcome(self) -> Outcome:
        transcript = self.transcript
        # hours of speech take most of a second
        body = await asyncio.to_thread(published_transcript, transcript, words=self.plan.show_words)
        result = OutputFile(self.plan.result_name, "application/json", BytesIO(body))
        return Outcome(self.used(), result, transcript.language, transcript.segments, transcript.text)

    async def _decode(self) -> Recording:
        recording = await super()._decode()
        if self.plan.by_channel and recording.channels != 2:
            recording.close()
            raise BadRequest(
                f"'diarize=channel' needs a stereo recording, one speaker a channel; this one has "
                f"{recording.channels} channel{'s' if recording.channels > 1 else ''}.",
                param="diarize",
            )
        return recording

    def _reached(self, step: PartialTranscript) -> float:
        return step.end

    async def _work(self, recording: Recording) -> AsyncGenerator[PartialTranscript]:
        heard = self._channels(recording) if self.plan.by_channel else self._whole(recording)
        async with aclosing(heard) as partials:
            async for partial in partials:
                self._partials.append(partial)
                yield partial

    async def _whole(self, recording: Recording) -> AsyncGenerator[PartialTranscript]:
        label = Labeller(await self._turns(recording)) if self.plan.diarizer else None
        async with aclosing(self._transcribed(recording)) as partials:
            async for partial in partials:
                yield replace(partial, segments=label(partial.segments)) if label else partial

    async def _channels(self, recording: Recording) -> AsyncGenerator[PartialTranscript]:
        """One channel after the other; the last partial transcript has all that was said."""
        heard: list[list[PartialTranscript]] = []
        with ExitStack() as closing:
            alone = [closing.enter_context(one) for one in await asyncio.to_thread(isolate_speakers, recording)]
            for number, channel in enumerate(alone):
                heard.append([])
                async with aclosing(self._transcribed(channel)) as partials:
                    async for partial in partials:
                        heard[-1].append(partial)
                        done = (number * recording.seconds + partial.end) / len(alone)
                        if done < recording.seconds:
                            yield PartialTranscript(self._done, done, (), partial.language)
        yield by_channel(heard, self._done, recording.seconds)

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
