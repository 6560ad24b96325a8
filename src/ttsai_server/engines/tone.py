"""A demo synthesizer that turns each text into a sine tone, for tests and demos that need sound but no speech."""

import time
from collections.abc import Generator
from threading import Event
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ttsai_server.domain import Audio, ModelCard, SpeechRequest
from ttsai_server.engines.base import Cancellation, Cancelled, LoadContext, Synthesizer
from ttsai_server.errors import BadRequest, EngineFailed

SECONDS_PER_CHARACTER = 0.06
"""Duration at speed 1: about the pace of speech."""
LOUDNESS = 0.3
RAMP_SECONDS = 0.005


class Tone(Synthesizer):
    """Each voice of the card has its pitch, three semitones above the one before it; the first is 220 Hz."""

    native = False

    class Setup(Synthesizer.Setup):
        """Simulates an engine that is slow or fails."""

        load_seconds: float = Field(default=0, ge=0)
        """Time that loading takes."""
        step_seconds: float = Field(default=0, ge=0)
        """Time that each step takes; a cancellation ends it at once."""
        steps: int = Field(default=1, ge=1)
        """Steps, hence pieces of sound, per request."""
        fail_on: str = ""
        """For a text that contains this, the last step raises EngineFailed; empty: none fails."""

    def __init__(self, card: ModelCard, setup: Setup) -> None:
        self._rate = card.rate
        self._setup = setup
        self._hertz = {voice.id: 220 * 2 ** (index / 4) for index, voice in enumerate(card.voices)}

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        setup = cls.Setup.model_validate(dict(card.setup))
        time.sleep(setup.load_seconds)
        return cls(card, setup)

    def synthesize(self, request: SpeechRequest, cancellation: Cancellation) -> Generator[Audio]:
        if not request.text.strip():
            raise BadRequest("There is nothing to say.", param="text")
        sound = self._sound(request)
        for number, stretch in enumerate(np.array_split(sound, self._setup.steps), start=1):
            self._work(cancellation)
            last = number == self._setup.steps
            if last and self._setup.fail_on and self._setup.fail_on in request.text:
                raise EngineFailed("The engine was told to fail here.")
            yield Audio(stretch, self._rate, last)

    def close(self) -> None:
        """Nothing to free."""

    def _work(self, cancellation: Cancellation) -> None:
        stop = Event()
        with cancellation.interrupting(stop.set):
            stop.wait(self._setup.step_seconds)
        if cancellation.cancelled:
            raise Cancelled

    def _sound(self, request: SpeechRequest) -> NDArray[np.float32]:
        """float32 (n, 1). The frequency is a whole number of Hertz, so one second is computed and repeated."""
        weight = sum(voice.weight for voice in request.presets)
        hertz = round(sum(self._hertz[voice.id] * voice.weight for voice in request.presets) / weight)
        second = LOUDNESS * np.sin(2 * np.pi * hertz / self._rate * np.arange(self._rate))
        length = round(len(request.text) * SECONDS_PER_CHARACTER / request.speed * self._rate)
        sound = np.resize(second.astype(np.float32), (length, 1))
        ramp = np.linspace(0, 1, min(round(RAMP_SECONDS * self._rate), length), dtype=np.float32)[:, None]
        sound[: len(ramp)] *= ramp
        sound[length - len(ramp) :] *= ramp[::-1]
        return sound
