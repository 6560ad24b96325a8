"""A demo engine that turns speech into sine tones, for tests and demos that need sound but no speech."""

import time
from collections.abc import Generator
from threading import Event
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ttsai_server.audio.pitch import mean_pitch, track
from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, Embedding, ModelCard, Preset, Reference, SpeechRequest, SpokenWord
from ttsai_server.engines.base import Cancellation, Cancelled, Cloner, Converter, LoadContext
from ttsai_server.errors import BadRequest, EngineFailed
from ttsai_server.text.words import word_spans

SECONDS_PER_CHARACTER = 0.06
"""Duration at speed 1: about the pace of speech."""
LOUDNESS = 0.3
RAMP_SECONDS = 0.005
STRETCH = 10
"""Seconds of a recording per step."""
HERTZ = "hertz"
"""Name of the array of a reference: the pitch of its speaker."""


class Tone(Cloner, Converter):
    """Each voice of the card has its pitch, three semitones above the one before it; the first is 220 Hz.

    A voice made from a recording is the speaker's mean pitch. A converted recording is a tone of the voice's pitch
    that is as loud as the recording at every moment.
    """

    native = False

    class Setup(Cloner.Setup):
        """Simulates an engine that is slow or fails."""

        load_seconds: float = Field(default=0, ge=0)
        """Time that loading takes."""
        step_seconds: float = Field(default=0, ge=0)
        """Time that each step takes; a cancellation ends it at once."""
        steps: int = Field(default=1, ge=1)
        """Steps, hence pieces of sound, per request for speech."""
        fail_on: str = ""
        """For a text that contains this, the last step raises EngineFailed; empty: none fails."""

    def __init__(self, card: ModelCard, setup: Setup) -> None:
        self._id = card.id
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
        sound, words, seconds = self._sound(request), _words(request), 0.0
        for number, stretch in enumerate(np.array_split(sound, self._setup.steps), start=1):
            self._work(cancellation)
            last = number == self._setup.steps
            if last and self._setup.fail_on and self._setup.fail_on in request.text:
                raise EngineFailed("The engine was told to fail here.")
            seconds += len(stretch) / self._rate
            ended = tuple(word for word in words if last or word.end_seconds <= seconds)
            words = words[len(ended) :]
            yield Audio(stretch, self._rate, last, ended)

    def embed(self, recording: Recording, cancellation: Cancellation) -> Generator[Embedding]:
        heard: list[NDArray[np.float64]] = []
        for start, samples in self._stretches(recording, cancellation):
            heard.append(track(samples[:, 0], self._rate))
            end = start + len(samples) / self._rate
            if end < recording.seconds:
                yield Embedding(start, end)
        hertz = mean_pitch(np.concatenate([np.zeros(0), *heard]))
        if not hertz:
            raise BadRequest("There is no voice in the recording: nothing in it has a pitch.", param="reference_audio")
        start = STRETCH * (len(heard) - 1)
        voice = Reference(self._id, {HERTZ: np.array(hertz)})
        yield Embedding(start, recording.seconds, voice, last=True)

    def convert(self, recording: Recording, target: Reference, cancellation: Cancellation) -> Generator[Audio]:
        hertz = float(target.arrays[HERTZ])
        for start, samples in self._stretches(recording, cancellation):
            phase = 2 * np.pi * hertz * (start + np.arange(len(samples)) / self._rate)
            loudness = np.sqrt(2) * _loudness(samples[:, 0], round(0.01 * self._rate))
            yield Audio(np.clip(loudness * np.sin(phase), -1, 1).astype(np.float32)[:, None], self._rate)

    def close(self) -> None:
        """Nothing to free."""

    def _stretches(
        self, recording: Recording, cancellation: Cancellation
    ) -> Generator[tuple[float, NDArray[np.float32]]]:
        """(start in seconds, samples) of each stretch of the recording, after the time that a step takes."""
        for start in range(0, recording.frames, STRETCH * self._rate):
            self._work(cancellation)
            yield start / self._rate, recording.read(start, STRETCH * self._rate)

    def _work(self, cancellation: Cancellation) -> None:
        stop = Event()
        with cancellation.interrupting(stop.set):
            stop.wait(self._setup.step_seconds)
        if cancellation.cancelled:
            raise Cancelled

    def _pitch(self, voice: Preset | Reference) -> float:
        return self._hertz[voice.id] if isinstance(voice, Preset) else float(voice.arrays[HERTZ])

    def _sound(self, request: SpeechRequest) -> NDArray[np.float32]:
        """float32 (n, 1). The frequency is a whole number of Hertz, so one second is computed and repeated."""
        weight = sum(voice.weight for voice in request.voices)
        hertz = round(sum(self._pitch(voice) * voice.weight for voice in request.voices) / weight)
        second = LOUDNESS * np.sin(2 * np.pi * hertz / self._rate * np.arange(self._rate))
        length = round(len(request.text) * SECONDS_PER_CHARACTER / request.speed * self._rate)
        sound = np.resize(second.astype(np.float32), (length, 1))
        ramp = np.linspace(0, 1, min(round(RAMP_SECONDS * self._rate), length), dtype=np.float32)[:, None]
        sound[: len(ramp)] *= ramp
        sound[length - len(ramp) :] *= ramp[::-1]
        return sound


def _words(request: SpeechRequest) -> list[SpokenWord]:
    """The words, if their times are asked for: each character takes as long as any other."""
    pace = SECONDS_PER_CHARACTER / request.speed
    spans = word_spans(request.text) if request.timestamps else ()
    return [SpokenWord(request.text[start:end], start, end, pace * start, pace * end) for start, end in spans]


def _loudness(samples: NDArray[np.float32], frame: int) -> NDArray[np.float64]:
    """The RMS around each sample of (n,): of frames of so many samples, joined by straight lines."""
    padded = np.pad(samples, (0, -len(samples) % frame)).reshape(-1, frame)
    centres = frame * np.arange(len(padded)) + frame / 2
    return np.interp(np.arange(len(samples)), centres, np.sqrt(np.mean(padded.astype(np.float64) ** 2, axis=1)))
