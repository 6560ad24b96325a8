"""Speech being made: text to pieces, pieces to sound, sound to one continuous encoding."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from math import ceil
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from ttsai_server.audio.encode import CONTENT_TYPES
from ttsai_server.audio.speech_encoder import SpeechEncoder
from ttsai_server.domain import Audio, Caller, ModelCard, Preset, Reference, Segment, SpeechRequest, SpokenWord, Voice
from ttsai_server.engines.base import Synthesizer
from ttsai_server.runtime.base import Playback
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.flow import Deliver, Outcome, OutputFile, Plan, Run
from ttsai_server.services.reading import Reading
from ttsai_server.services.references import make_again
from ttsai_server.services.word_alignment import heard_words
from ttsai_server.services.word_times import TimeSource, WordTimes, WrittenText
from ttsai_server.store.ledger import Used
from ttsai_server.store.saved_voices import SavedVoice
from ttsai_server.text.split import Cut, Piece, pieces

IN_MEMORY_BYTES = 1 << 20
"""Finished speech longer than this is kept on disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechPlan(Plan):
    """What is to be said, and how."""

    card: ModelCard
    text: str
    """What is spoken: cleaned, with the pronunciations in it."""
    readings: tuple[Reading, ...]
    """The language of each part of it."""
    request: SpeechRequest
    """Everything but the text of a piece, and its language where there are several: here that of the longest part."""
    format: str
    """A key of `encode.CONTENT_TYPES`."""
    characters: int
    """What is billed: the length of the client's own text, with its pronunciations in it."""
    sound_rate: int | None = None
    """Hertz, of the sound that the client gets; None: the model's own."""
    bitrate: int | None = None
    """Bits a second; None: that of the format."""
    tempo: float = 1.0
    """How much faster than the engine can speak, after `request.speed`."""
    written: WrittenText | None = None
    """Where what is spoken is in the client's text; None: nobody wants to know when its words are said."""
    aligner: ModelCard | None = None
    """The model that listens when each word is said; None: the one that speaks knows it."""
    unmade: Mapping[int, SavedVoice] = field(default_factory=dict[int, SavedVoice])
    """Voices of the request that are made first; see `Choice.unmade`."""
    natives: Mapping[str, Voice] = field(default_factory=dict[str, Voice])
    """Language of a reading → the voice that reads it instead of those of the request, in its own accent."""

    @property
    def language(self) -> str:
        """ISO 639-1."""
        return self.request.language.split("-")[0]

    def pieces(self) -> Iterator[tuple[Piece, SpeechRequest]]:
        """The pieces of the text, each with everything but the text of its request."""
        for part in self.readings:
            request, text = self._request(part.language), self.text[part.start : part.end]
            for piece in pieces(text, self.card.chunk_chars, part.language.split("-")[0]):
                pause = min(piece.pause, Cut.SENTENCE) if self._goes_on(part, piece) else piece.pause
                yield replace(piece, start=part.start + piece.start, end=part.start + piece.end, pause=pause), request

    def _request(self, language: str) -> SpeechRequest:
        """Of a reading in that language, without its text."""
        if native := self.natives.get(language):
            return replace(self.request, voices=(Preset(native.id),), language=native.language)
        return replace(self.request, language=language)

    def _goes_on(self, part: Reading, piece: Piece) -> bool:
        """Whether a part ends with the piece, and its paragraph does not."""
        last = part.start + piece.end == part.end < len(self.text)
        return last and self.text[: part.end].rstrip(" \t")[-1:] != "\n"

    def new_times(self) -> WordTimes | None:
        """For the words of its text; None: nobody wants to know when they are said."""
        return WordTimes(self.written, self.tempo) if self.written else None

    @property
    def time_source(self) -> TimeSource:
        """Whence the times of the words are."""
        return "aligned" if self.aligner else "model"

    @property
    def content_type(self) -> str:
        return CONTENT_TYPES[self.format]

    def run(self, caller: Caller, context: ServiceContext, upload: BinaryIO | None = None) -> "SpeechRun":
        return SpeechRun(self, caller, context)


class SpeechRun(Run[SpeechPlan, bytes]):
    """Either `chunks`, to be sent as they are made, or `steps`, for a file with true lengths."""

    def __init__(self, plan: SpeechPlan, caller: Caller, context: ServiceContext) -> None:
        super().__init__(plan, caller, context)
        self.segments: list[Segment] = []
        """What has been said when, one a piece."""
        self.times = plan.new_times()
        """What has been said when, by the word; None: it was not asked for."""
        self._file: BinaryIO | None = None
        self._encoder: SpeechEncoder | None = None
        self._unheard: list[Audio] = []
        """Of the current piece, where a model is to listen to it."""
        self._spoken = 0
        """How much of `plan.text` has been spoken, characters; the piece under way counts whole."""
        self._resumes = 0.0
        """When the next piece is heard, seconds."""

    @property
    def seconds(self) -> float:
        """Length of the sound made so far."""
        return self._encoder.seconds if self._encoder else 0.0

    @property
    def progress(self) -> float:
        return self._spoken / len(self.plan.text)

    async def credits(self) -> int:
        return self.plan.price.of(self.plan.characters)

    def chunks(self) -> AsyncGenerator[bytes]:
        """The encoded sound as it is made, some chunks empty. Instead of `steps`, and raises as they do."""
        return self._paid(self._speak(), self.plan.price.of(self.plan.characters))

    def steps(self, deliver: Deliver | None = None) -> AsyncGenerator[bytes]:
        """Empty: the encoded sound goes into the file of the outcome."""
        self._file = cast(BinaryIO, SpooledTemporaryFile[bytes](IN_MEMORY_BYTES))
        return self._paid(self._speak(), self.plan.price.of(self.plan.characters), deliver)

    def used(self) -> Used:
        """What was made of the client's own text, and its price."""
        plan = self.plan
        characters = ceil(plan.characters * self._spoken / len(plan.text))
        return Used(plan.kind, plan.model, characters, self.seconds, plan.price.of(characters))

    async def outcome(self) -> Outcome:
        plan = self.plan
        assert self._file, "made by `steps`"
        result = OutputFile(plan.result_name, plan.content_type, self._file)
        return Outcome(self.used(), result, plan.language, tuple(self.segments))

    def close(self) -> None:
        if self._file:
            self._file.close()

    async def _speak(self) -> AsyncGenerator[bytes]:
        plan, card, file = self.plan, self.plan.card, self._file
        made = await self._make_voices()
        async with self._context.runtime.lease(card) as handle:
            encoder = await asyncio.to_thread(self._new_encoder)
            self._encoder, playback = encoder, Playback()
            async with aclosing(self._pieces()) as all_pieces:
                async for piece, request in all_pieces:
                    if self.times:
                        self.times.begin(piece)
                    # nobody waits for a file's first sound: it is heard when it is whole
                    request = replace(
                        request, text=piece.text, voices=made or request.voices, soon=not file and not self.segments
                    )
                    async with aclosing(handle.run(Synthesizer.synthesize, request, playback=playback)) as steps:
                        async for audio in steps:
                            self._spoken = piece.end
                            yield await asyncio.to_thread(self._add, encoder, audio)
                    if self.times and plan.aligner:
                        self.times.hear(await self._heard(plan.aligner, request), encoder)
                    yield await asyncio.to_thread(self._end_piece, encoder, piece)
            if not self.segments:
                yield await asyncio.to_thread(encoder.rest, Cut.SENTENCE / plan.request.speed)
            yield await asyncio.to_thread(encoder.finish)
            self._spoken = len(plan.text)

    def _new_encoder(self) -> SpeechEncoder:
        plan = self.plan
        return SpeechEncoder(
            plan.format,
            plan.card.rate,
            target_rate=plan.sound_rate,
            bitrate=plan.bitrate,
            tempo=plan.tempo,
            file=self._file,
        )

    async def _make_voices(self) -> tuple[Preset | Reference, ...]:
        """The voices of the plan, all made; none if there is nothing to make."""
        voices = list(self.plan.request.voices) if self.plan.unmade else []
        for place, saved in self.plan.unmade.items():
            made = await make_again(self._context, self._caller, saved, self.plan.card)
            voices[place] = replace(made, weight=voices[place].weight)
        return tuple(voices)

    async def _pieces(self) -> AsyncGenerator[tuple[Piece, SpeechRequest]]:
        """The pieces of the text, each with everything but the text of its request."""
        for each in self.plan.pieces():
            yield each

    def _add(self, encoder: SpeechEncoder, audio: Audio) -> bytes:
        chunk = encoder.add(audio)
        if self.times:
            self.times.hear(audio.words, encoder)
        if self.plan.aligner:
            self._unheard.append(audio)
        return chunk

    async def _heard(self, listener: ModelCard, request: SpeechRequest) -> list[SpokenWord]:
        """The words of the current piece, as a model hears them that transcribes."""
        sound, self._unheard = self._unheard, []
        return await heard_words(self._context, self._caller, listener, sound, request)

    def _end_piece(self, encoder: SpeechEncoder, piece: Piece) -> bytes:
        pause = piece.pause / self.plan.request.speed
        start = encoder.piece_start
        chunk = encoder.end_piece(pause)
        words = self.times.end(encoder, start) if self.times else ()
        self.segments.append(Segment(piece.text, min(self._resumes, encoder.seconds), encoder.seconds, words))
        self._resumes = encoder.seconds + pause / self.plan.tempo
        return chunk
