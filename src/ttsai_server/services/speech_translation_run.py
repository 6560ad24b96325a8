"""A recording being said in another language: heard, translated and spoken, one segment after the other.

upload ──transcription──▶ segments ──route──▶ texts ──speech──▶ sound ──`Timeline`──▶ one recording
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from itertools import pairwise
from typing import BinaryIO

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from ttsai_server.audio.export import ExportFormat
from ttsai_server.audio.recording import Recording
from ttsai_server.audio.timeline import Timeline
from ttsai_server.domain import Caller, ModelCard, Reference, Segment, Transcript, TranscriptionRequest, gap
from ttsai_server.engines.base import Transcriber, VoiceEncoder
from ttsai_server.errors import BadRequest, EngineFailed
from ttsai_server.runtime.threads import in_thread
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import CompositeRun, Outcome, OutputFile, OutputParts
from ttsai_server.services.recording_run import RecordingPlan
from ttsai_server.services.result_json import published_translation
from ttsai_server.services.several_speakers import one_voice_warning
from ttsai_server.services.speech_run import SpeechPlan
from ttsai_server.services.tools.run import ToolRun, write
from ttsai_server.services.transcription_run import TranscriptionPlan
from ttsai_server.services.translation import Destination, translated
from ttsai_server.text.clean import speakable
from ttsai_server.text.subtitles import subtitles

HEARING = 0.4
"""Share of the work that is hearing what is said."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 1.0
"""Of those between segments, seconds, where their times are not kept."""
UNSAID = "{unsaid} of {all} segments are not spoken: their translation has no words"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechTranslationPlan(RecordingPlan):
    listening: TranscriptionPlan
    destination: Destination
    speak: Callable[[str, int], SpeechPlan]
    """A text and the number of its speaker → how it is spoken; as WAV."""
    speech_rate: int
    """Of the result, Hertz."""
    cloner: ModelCard | None
    """The model that makes voices of the speakers, and speaks with them; None: stock voices speak."""
    keep_timing: bool
    """Whether each segment is to be heard when it was said."""
    format: str
    """A key of `encode.CONTENT_TYPES`."""

    def run(self, caller: Caller, context: ServiceContext, upload: BinaryIO | None = None) -> "SpeechTranslationRun":
        return SpeechTranslationRun(self, caller, context, upload)


@dataclass(frozen=True, slots=True)
class TranslatedSegment:
    heard: Segment
    """In its own language, with its times in the recording."""
    spoken: Segment
    """Translated, with its times in the new one."""


class SpeechTranslationRun(ToolRun[SpeechTranslationPlan], CompositeRun[SpeechTranslationPlan, float]):
    """Its steps are how much is done, 0 to 1."""

    def __init__(
        self, plan: SpeechTranslationPlan, caller: Caller, context: ServiceContext, upload: BinaryIO | None
    ) -> None:
        super().__init__(plan, caller, context, upload)
        self._segments: list[TranslatedSegment] = []
        self._heard: Transcript
        self._own_voices: dict[str, Reference] = {}
        """Speaker → voice, if the speakers' own voices are kept."""

    async def outcome(self) -> Outcome:
        spoken = tuple(segment.spoken for segment in self._segments)
        parts = OutputParts(tuple(self._files), self._index, "translate")
        return Outcome(self.used(), parts, self.plan.destination.target, spoken, self._heard.text)

    async def _work(self, recording: Recording) -> AsyncGenerator[float]:
        async with aclosing(self._listen()) as shares:
            async for share in shares:
                yield HEARING * share
        said = [segment for segment in self._heard.segments if speakable(segment.text)]
        if not said:
            raise BadRequest("Nothing is said in the recording.", param="file")
        speakers = list(dict.fromkeys(segment.speaker for segment in said))
        if self.plan.cloner:
            if not self.plan.listening.diarizer:
                self.warn(*await one_voice_warning(self._context, self._caller, recording))
            for speaker in speakers:
                own = [segment for segment in said if segment.speaker == speaker]
                self._own_voices[speaker] = await self._voice_of(recording, own, self.plan.cloner)
        with recording.empty(self.plan.speech_rate) as track:
            timeline, ends = Timeline(track), [*(segment.start for segment in said[1:]), recording.seconds]
            for number, (segment, until) in enumerate(zip(said, ends, strict=True), start=1):
                text = await self._translated(recording, segment)
                sound = await self._spoken(text, segment.speaker, speakers.index(segment.speaker))
                start, end = await in_thread(None, partial(self._place, timeline, sound, segment, until))
                spoken = Segment(text, start, end, speaker=segment.speaker, language=self.plan.destination.target)
                self._segments.append(TranslatedSegment(segment, spoken))
                yield HEARING + (1 - HEARING) * number / len(said)
            self._warn_of_unsaid()
            if self.plan.keep_timing:
                track.pad(max(0, round(recording.seconds * track.rate) - track.frames))
            await self._finish(track)

    def _warn_of_unsaid(self) -> None:
        if unsaid := sum(not speakable(segment.spoken.text) for segment in self._segments):
            self.warn(UNSAID.format(unsaid=unsaid, all=len(self._segments)))

    async def _listen(self) -> AsyncGenerator[float]:
        """Yields how much has been heard, 0 to 1."""
        with self.plan.listening.run(self._caller, self._context.unbilled(), self._upload) as run:
            async with aclosing(run.steps()) as partials:
                async for _ in partials:
                    yield run.progress
            self._heard = run.transcript
            self.warn(*run.warnings)

    async def _translated(self, recording: Recording, segment: Segment) -> str:
        source = segment.language or self._heard.language
        route = self.plan.destination.route(source)
        if route is None:
            return await self._heard_in_english(recording, segment, source)
        return await translated(self._context.runtime, segment.text, route)

    async def _heard_in_english(self, recording: Recording, segment: Segment, language: str) -> str:
        """What the model that listens makes of the segment's sound."""
        card = self.plan.listening.card
        request = TranscriptionRequest(language, translate=True)
        with recording.empty() as part:
            await write(part, recording.read(*_span(segment, recording.rate, recording.frames)))
            texts: list[str] = []
            async with (
                self._context.runtime.lease(card) as handle,
                aclosing(handle.run(Transcriber.transcribe, part, request)) as partials,
            ):
                async for partial in partials:
                    texts.extend(heard.text for heard in partial.segments)
        return " ".join(texts)

    async def _voice_of(self, recording: Recording, said: Sequence[Segment], cloner: ModelCard) -> Reference:
        """The voice of who says the segments. Raises BadRequest if they are too short for it."""
        least, most = cloner.reference_seconds
        with ExitStack() as kept:
            speech = kept.enter_context(recording.empty())
            for segment in said:
                left = round(most * recording.rate) - speech.frames
                await write(speech, recording.read(*_span(segment, recording.rate, left)))
            if speech.seconds < least:
                raise BadRequest(
                    f"To keep a speaker's voice takes {least:g} s of speech; there are {speech.seconds:.1f} s.",
                    param="preserve_voice",
                )
            heard = kept.enter_context(await self._resampled(speech, cloner.rate))
            async with (
                self._context.runtime.lease(cloner) as handle,
                aclosing(handle.run(VoiceEncoder.embed, heard)) as steps,
            ):
                made = [step.reference async for step in steps if step.reference]
        if not made:
            raise EngineFailed(f"{cloner.id!r} made no voice.")
        return made[-1]

    async def _spoken(self, text: str, speaker: str, number: int) -> NDArray[np.float32]:
        """float32 (n, 1) at `speech_rate`; empty if there is nothing to say."""
        if not speakable(text):
            return np.zeros((0, 1), np.float32)
        plan = await to_thread.run_sync(self.plan.speak, text, number)
        if speaker in self._own_voices:
            plan = replace(plan, request=replace(plan.request, voices=(self._own_voices[speaker],)))
        with self._part(plan) as run:
            await run.finish()
            self.warn(*run.warnings)
            result = (await run.outcome()).result
            assert isinstance(result, OutputFile)
            return await asyncio.to_thread(samples_at, self.plan.speech_rate, result.file)

    def _place(
        self, timeline: Timeline, sound: NDArray[np.float32], segment: Segment, until: float
    ) -> tuple[float, float]:
        if self.plan.keep_timing:
            return timeline.fit(sound, segment.start, until)
        if not self._segments:
            return timeline.add(sound, 0)
        pause = segment.start - self._segments[-1].heard.end
        return timeline.add(sound, min(max(pause, SHORTEST_PAUSE), LONGEST_PAUSE))

    async def _finish(self, track: Recording) -> None:
        self._files.append(await self._exported(track, ExportFormat(self.plan.format), "audio"))
        for name, segments in (
            ("original", [segment.heard for segment in self._segments]),
            ("translated", [segment.spoken for segment in self._segments]),
        ):
            written = "".join(subtitles(segments, "srt")).encode()
            self._files.append(OutputFile(f"{name}.srt", "application/x-subrip", BytesIO(written)))

    def _index(self, job: str, addresses: Mapping[str, str], credits: int) -> bytes:
        target = self.plan.destination.target
        return published_translation(
            self._heard, joined([segment.spoken.text for segment in self._segments], target), target,
            [(segment.heard, segment.spoken) for segment in self._segments], addresses, credits,
        )  # fmt: skip


def _span(segment: Segment, rate: int, most: int) -> tuple[int, int]:
    """Where the segment starts, and its length, at least 1 and at most `most`; frames."""
    first, last = round(segment.start * rate), round(segment.end * rate)
    return first, min(max(last - first, 1), max(most, 0))


def joined(texts: Sequence[str], language: str) -> str:
    """Texts in a language as one."""
    said = [text for text in texts if text]
    return "".join([*said[:1], *(gap(before, after, language) + after for before, after in pairwise(said))])


def samples_at(rate: int, file: BinaryIO) -> NDArray[np.float32]:
    """The sound of a WAV file, float32 (n, channels), at `rate` Hertz: voices of one family may have several rates."""
    import soundfile
    import soxr

    file.seek(0)
    samples, own = soundfile.read(file, dtype="float32", always_2d=True)
    return (samples if own == rate else soxr.resample(samples, own, rate)).astype(np.float32, copy=False)
