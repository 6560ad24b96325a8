"""Speech being made: text to pieces, pieces to sound, sound to one continuous encoding, and the bill."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from math import ceil
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.dsp import Joiner, stretch
from ttsai_server.audio.encode import CONTENT_TYPES, Encoder
from ttsai_server.domain import ModelCard, SpeechRequest
from ttsai_server.metrics import Metrics
from ttsai_server.runtime.base import Playback, Runtime
from ttsai_server.services.billing import Hold, Used, price
from ttsai_server.settings import Prices
from ttsai_server.text.split import pieces


@dataclass(frozen=True, slots=True)
class Script:
    """A checked order: what is to be said, and how."""

    card: ModelCard
    text: str
    """What is spoken: cleaned, with the pronunciations in it."""
    request: SpeechRequest
    """Everything but the text of a piece."""
    format: str
    characters: int
    """What is billed: the length of the client's own text."""
    ignored: tuple[str, ...]
    """Options that the engine does not have."""
    credits: int
    """The price of all of it."""
    stretch: float = 1.0
    """How much faster than the engine can speak, after `request.speed`."""

    @property
    def language(self) -> str:
        """ISO 639-1."""
        return self.request.language.split("-")[0]


class Utterance:
    """Owns the lease of the model and the reservation of the credits, and gives both back when it ends or is closed.

    Ends well: the whole price is charged. Fails: nothing is. Closed early, because the client left: what was made is.
    """

    def __init__(self, script: Script, hold: Hold, runtime: Runtime, metrics: Metrics, prices: Prices) -> None:
        self.script = script
        self.hold = hold
        self.content_type = CONTENT_TYPES[script.format]
        self.seconds = 0.0
        """Length of the sound made so far."""
        self._made = 0
        """How much of `script.text` has been spoken, characters."""
        self._runtime = runtime
        self._metrics = metrics
        self._prices = prices

    async def chunks(self, file: BinaryIO | None = None) -> AsyncGenerator[bytes]:
        """The encoded sound as it is made. Into `file`, which must seek: whole, with true lengths, and empty chunks.

        Raises ModelLoading, or what the engine raises. Must be closed (`aclosing`).
        """
        encoder = Encoder(self.script.format, self.script.card.rate, file=file)
        try:
            async with aclosing(self._sound()) as sound:
                async for samples in sound:
                    self.seconds += len(samples) / self.script.card.rate
                    yield await asyncio.to_thread(encoder.push, samples)
            tail = await asyncio.to_thread(encoder.finish)
            await self._charge(self.script.credits)
            yield tail
        except (asyncio.CancelledError, GeneratorExit):
            await asyncio.shield(self._charge(self._price_of_made()))
            raise
        except BaseException:
            await self.hold.release()
            raise

    async def _sound(self) -> AsyncGenerator[NDArray[np.float32]]:
        script, joiner = self.script, Joiner(self.script.card.rate)
        async with self._runtime.lease(script.card) as handle:
            playback = Playback()
            for piece in pieces(script.text, script.card.first_chars, script.card.chunk_chars, script.language):
                async with aclosing(handle.stream(replace(script.request, text=piece.text), playback)) as steps:
                    async for audio in steps:
                        audio = await asyncio.to_thread(stretch, audio, script.stretch)
                        yield joiner.push(audio.samples)
                yield joiner.end(piece.pause / script.request.speed / script.stretch)
                self._made = piece.end

    def _price_of_made(self) -> int:
        """What the spoken part costs, rounded up to started units; nothing when nothing was spoken."""
        characters = ceil(self.script.characters * self._made / len(self.script.text))
        return price(self.script.card, characters, self._prices)

    async def _charge(self, credits: int) -> None:
        model = self.script.card.id
        characters = ceil(self.script.characters * self._made / len(self.script.text))
        await self.hold.settle(Used("tts", model, characters, self.seconds, credits))
        self._metrics.audio_seconds.labels(model).inc(self.seconds)
        self._metrics.characters.labels(model).inc(characters)
        self._metrics.credits.labels(model).inc(credits)
