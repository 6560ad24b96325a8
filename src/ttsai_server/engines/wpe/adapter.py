"""Late reverberation removed: by weighted prediction error, and what that leaves by spectral suppression."""

from collections.abc import Generator
from functools import partial
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording
from ttsai_server.audio.stft import Spectrum, Stft
from ttsai_server.domain import Audio, EnhancementRequest, ModelCard
from ttsai_server.engines.base import Cancellation, Enhancer, Place
from ttsai_server.engines.laps import overlapped
from ttsai_server.engines.wpe.prediction import without_prediction
from ttsai_server.engines.wpe.suppression import late_gain, reverberation_time

Samples = NDArray[np.float32]
HOP = 0.008
"""Seconds from window to window, of 32 ms."""
DELAY = 6
"""Hops: what comes later than 48 ms is late; what comes sooner helps to understand."""
TAPS = 20
"""Hops that are looked at before that, shared by the channels, in the bins where speech is."""
FEWEST = 5
"""Of one channel, and above speech, where air swallows what is late."""
SPEECH = 8000
"""Hertz."""
DEEPEST = 18.0
"""Decibels that a bin is turned down at most, at full strength."""
LENGTH, OVERLAP = 10.0, 1.0
"""Seconds of a stretch: long enough to learn the room, which may change with the speaker."""


class Wpe(Enhancer):
    """`strength` s is the depth of it all: no bin is turned down by more than 18 s dB.

    1 - (1 - s)² of what is predicted to be late is taken off: .36, .64, .84, .96, 1 at s = .2, .4, .6, .8, 1. Channels
    are predicted from all of them together, and suppressed alike, so that sides keep their place.
    """

    def __init__(self, rate: int) -> None:
        """rate: Hertz."""
        self._rate = rate
        self._stft = Stft(4 * round(HOP * rate), round(HOP * rate))

    @classmethod
    def load(cls, card: ModelCard, place: Place) -> Self:
        return cls(card.rate)

    def enhance(
        self, recording: Recording, request: EnhancementRequest, cancellation: Cancellation
    ) -> Generator[Audio]:
        length, overlap = round(LENGTH * self._rate), round(OVERLAP * self._rate)
        work = partial(self._better, strength=request.strength)
        yield from overlapped(recording, length, overlap, work, cancellation)

    def close(self) -> None:
        """There is nothing to free."""

    def _better(self, samples: Samples, strength: float) -> Samples:
        heard = self._stft.analyse(samples)
        speech = heard + np.float32(1 - (1 - strength) ** 2) * (self._predicted(heard) - heard)
        hertz, pace = self._rate / self._stft.length, self._rate / self._stft.hop
        late = 10 ** (-6 * DELAY / pace / reverberation_time(heard, hertz, pace))
        gain = late_gain(_power(speech), strength * late, DELAY)
        floor = 10 ** (-DEEPEST * strength / 20) * np.abs(heard)
        return self._stft.synthesise(_at_least(speech * gain[:, None], floor), len(samples))

    def _predicted(self, heard: Spectrum) -> Spectrum:
        """Without what is predicted to be late."""
        corner = round(SPEECH * self._stft.length / self._rate)
        taps = max(FEWEST, round(TAPS * 1.2 / heard.shape[1])) if heard.shape[1] > 1 else TAPS
        low, high = heard[:corner], heard[corner:]
        return np.concatenate([without_prediction(low, taps, DELAY), without_prediction(high, FEWEST, DELAY)])


def _power(spectrum: Spectrum) -> NDArray[np.float32]:
    """(bins, frames), of all channels together."""
    return np.mean(spectrum.real**2 + spectrum.imag**2, axis=1)


def _at_least(spectrum: Spectrum, floor: NDArray[np.float32]) -> Spectrum:
    """The spectrum, made as loud as `floor` where it is softer."""
    size = np.abs(spectrum)
    return spectrum * np.maximum(1, floor / np.maximum(size, 1e-20))
