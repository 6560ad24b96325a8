"""Voice conversion without weights: the vocoder WORLD, with the target's pitch, range and distribution of spectra.

Approximate: it moves a voice towards another, but what makes a person known by ear it does not copy.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, Embedding, ModelCard, Reference
from ttsai_server.engines.base import Cancellation, Cancelled, Converter, LoadContext
from ttsai_server.engines.world.conversion import Conversion, warp, warped
from ttsai_server.engines.world.profile import Profile, Spectra
from ttsai_server.engines.world.vocoder import Parts, analyse, pitches, synthesise
from ttsai_server.errors import BadRequest

Array = NDArray[np.float64]
Samples = NDArray[np.float32]
STEP = 5.0
"""Seconds of a recording that are measured at a time."""
MEASURED = 12
"""Most such stretches that a source is measured in, spread evenly."""
LENGTH, SEARCH = 8.0, 2.0
"""Seconds that are converted at a time, and the last part of them, where the quietest place is sought for the seam."""
MARGIN = 0.3
"""Seconds before and after what is converted that are analysed with it."""
FADE = 0.01
"""Seconds that consecutive stretches are cross-faded at a seam."""


class World(Converter):
    """Converter of mono speech at the card's rate. Deterministic; keeps the length to the sample."""

    extra, packages = "world", ("pyworld",)

    def __init__(self, model: str, rate: int) -> None:
        """rate: Hertz."""
        self._model, self._rate = model, rate

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> World:
        return cls(card.id, card.rate)

    def embed(self, recording: Recording, cancellation: Cancellation) -> Generator[Embedding]:
        step, logs, heard = round(STEP * self._rate), list[Array](), list[Spectra]()
        for first in range(0, recording.frames, step):
            samples = recording.read(first, step)[:, 0]
            logs.append(np.log(pitches(samples, self._rate)))
            heard.append(Spectra.of(self._analysed(samples, cancellation), self._rate))
            if first + step < recording.frames:
                yield Embedding(first / self._rate, (first + step) / self._rate)
        profile = Profile.of(np.concatenate([np.zeros(0), *logs]), heard)
        if not profile:
            raise BadRequest(
                "There is no voice in the recording: hardly anything in it has a pitch.", param="reference_audio"
            )
        start = max(0, len(heard) - 1) * step / self._rate
        yield Embedding(start, recording.seconds, Reference(self._model, profile.arrays()), last=True)

    def convert(self, recording: Recording, target: Reference, cancellation: Cancellation) -> Generator[Audio]:
        conversion = self._conversion(recording, Profile.stored(target.arrays), cancellation)
        fade, tail, begin = round(FADE * self._rate), np.zeros(0, np.float32), 0
        while begin < recording.frames:
            end = self._seam(recording, begin)
            samples = self._samples(recording, begin, min(end + fade, recording.frames))
            made = _faded(tail, self._converted(samples, conversion, cancellation))
            ready, tail = made[: end - begin], made[end - begin :]
            yield Audio(np.clip(ready, -1, 1)[:, None], self._rate, last=end == recording.frames)
            begin = end

    def close(self) -> None:
        """Nothing to free."""

    def _conversion(self, recording: Recording, target: Profile, cancellation: Cancellation) -> Conversion:
        """From the voice of the recording; from the target's to itself if there is hardly a voice in it."""
        stretches = self._measured(recording)
        logs = np.concatenate([np.zeros(0), *(np.log(pitches(stretch, self._rate)) for stretch in stretches)])
        ratio = warp(float(np.mean(logs)), target.pitch) if len(logs) else 1.0
        analysed = (warped(self._analysed(stretch, cancellation), ratio) for stretch in stretches)
        source = Profile.of(logs, [Spectra.of(parts, self._rate) for parts in analysed])
        return Conversion(source or target, target, self._rate)

    def _measured(self, recording: Recording) -> Sequence[Samples]:
        """Stretches of the whole recording, or as many as are measured of a long one, spread evenly."""
        step = round(STEP * self._rate)
        count = min(MEASURED, -(-recording.frames // step))
        firsts = np.linspace(0, max(0, recording.frames - step), count).astype(int)
        return [recording.read(int(first), step)[:, 0] for first in firsts]

    def _analysed(self, samples: Samples, cancellation: Cancellation) -> Parts:
        if cancellation.cancelled:
            raise Cancelled
        return analyse(samples, self._rate)

    def _seam(self, recording: Recording, begin: int) -> int:
        """Where the stretch that begins there ends: at the quietest place of its last part, or with the recording."""
        length, search, frame = (round(seconds * self._rate) for seconds in (LENGTH, SEARCH, FADE))
        if recording.frames - begin <= length:
            return recording.frames
        sought = begin + length - search
        heard = recording.read(sought, search)[: search // frame * frame, 0].reshape(-1, frame)
        return sought + int(np.argmin(np.sum(heard**2, axis=1))) * frame

    def _samples(self, recording: Recording, begin: int, end: int) -> Samples:
        """The samples from `begin` to `end`, with a margin at either side; beyond the recording there is silence."""
        margin = round(MARGIN * self._rate)
        first = max(0, begin - margin)
        heard = recording.read(first, end + margin - first)[:, 0]
        return np.pad(heard, (first - begin + margin, end + margin - first - len(heard)))

    def _converted(self, samples: Samples, conversion: Conversion, cancellation: Cancellation) -> Samples:
        """Convert samples with margins; returns them without."""
        margin = round(MARGIN * self._rate)
        parts = self._analysed(samples, cancellation)
        return synthesise(conversion.apply(parts), self._rate, len(samples))[margin : len(samples) - margin]


def _faded(tail: Samples, made: Samples) -> Samples:
    """`made`, whose beginning is cross-faded with the tail of what precedes it."""
    share = (np.arange(len(tail), dtype=np.float32) + 0.5) / max(1, len(tail))
    return np.concatenate([tail + share * (made[: len(tail)] - tail), made[len(tail) :]]).astype(np.float32)
