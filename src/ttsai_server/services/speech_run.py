"""Speech being made: text to pieces, pieces to sound, sound to one continuous encoding, and the bill."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from math import ceil
from typing import BinaryIO

from ttsai_server.audio.encode import CONTENT_TYPES
from ttsai_server.audio.speech_encoder import SpeechEncoder
from ttsai_server.domain import Caller, ModelCard, Segment, SpeechRequest
from ttsai_server.engines.base import Synthesizer
from ttsai_server.runtime.base import Playback
from ttsai_server.services.billing import Hold, charged, price
from ttsai_server.services.context import ServiceContext
from ttsai_server.store.ledger import Used
from ttsai_server.text.split import Cut, Piece, pieces


@dataclass(frozen=True, slots=True)
class SpeechPlan:
    """A checked order: what is to be said, and how."""

    card: ModelCard
    text: str
    """What is spoken: cleaned, with the pronunciations in it."""
    request: SpeechRequest
    """Everything but the text of a piece."""
    format: str
    characters: int
    """What is billed: the length of the client's own text."""
    warnings: tuple[str, ...]
    """What the client should know though the order is done: options that the engine does not have, foreign letters."""
    credits: int
    """The price of all of it."""
    tempo: float = 1.0
    """How much faster than the engine can speak, after `request.speed`."""

    @property
    def language(self) -> str:
        """ISO 639-1."""
        return self.request.language.split("-")[0]


class SpeechRun:
    """Owns the lease of the model and the reservation of the credits, and gives both back when its chunks end.

    Ends well: the whole price is charged. Fails: nothing is. Closed early, because the client left: what was made is.
    """

    def __init__(self, plan: SpeechPlan, caller: Caller, context: ServiceContext) -> None:
        self.plan = plan
        self.content_type = CONTENT_TYPES[plan.format]
        self._caller = caller
        self._context = context
        self._hold: Hold | None = None
        self._track: SpeechEncoder | None = None
        self._made = 0
        """How much of `plan.text` has been spoken, characters; the piece under way counts whole."""
        self._resumes = 0.0
        """When the next piece is heard, seconds."""
        self.segments: list[Segment] = []
        """What has been said when, one a piece."""

    @property
    def hold(self) -> Hold:
        """The credits; there from the first chunk on."""
        assert self._hold
        return self._hold

    @property
    def seconds(self) -> float:
        """Length of the sound made so far."""
        return self._track.seconds if self._track else 0.0

    @property
    def progress(self) -> float:
        """How much of the text has been spoken, 0 to 1."""
        return self._made / len(self.plan.text)

    async def chunks(self, file: BinaryIO | None = None) -> AsyncGenerator[bytes]:
        """The encoded sound as it is made. Into `file`, which must seek: whole, with true lengths, and empty chunks.

        Raises InsufficientCredits, ModelLoading, or what the engine raises. Must be closed (`aclosing`).
        """
        self._hold = await self._context.billing.reserve(self._caller, self.plan.credits)
        async with (
            charged(self._hold, self._used, self._context.metrics),
            aclosing(self._made_of_pieces(file)) as chunks,
        ):
            async for chunk in chunks:
                yield chunk

    async def _made_of_pieces(self, file: BinaryIO | None) -> AsyncGenerator[bytes]:
        plan, card = self.plan, self.plan.card
        async with self._context.runtime.lease(card) as handle:
            track = await asyncio.to_thread(SpeechEncoder, plan.format, card.rate, tempo=plan.tempo, file=file)
            self._track, playback = track, Playback()
            for piece in pieces(plan.text, card.chunk_chars, plan.language):
                # nobody waits for a file's first sound: it is heard when it is whole
                request = replace(plan.request, text=piece.text, soon=not file and not piece.start)
                async with aclosing(handle.run(Synthesizer.synthesize, request, playback=playback)) as steps:
                    async for audio in steps:
                        self._made = piece.end
                        yield await asyncio.to_thread(track.add, audio)
                yield await asyncio.to_thread(self._end_piece, track, piece)
            if not self.segments:
                yield await asyncio.to_thread(track.rest, Cut.SENTENCE / plan.request.speed)
            yield await asyncio.to_thread(track.finish)
            self._made = len(plan.text)

    def _end_piece(self, track: SpeechEncoder, piece: Piece) -> bytes:
        pause = piece.pause / self.plan.request.speed
        chunk = track.end_piece(pause)
        self.segments.append(Segment(piece.text, min(self._resumes, track.seconds), track.seconds))
        self._resumes = track.seconds + pause / self.plan.tempo
        return chunk

    def _used(self) -> Used:
        """What was made of the client's own text, and its price."""
        plan, prices = self.plan, self._context.settings.prices
        characters = ceil(plan.characters * self._made / len(plan.text))
        return Used("tts", plan.card.id, characters, self.seconds, price(plan.card, characters, prices))
