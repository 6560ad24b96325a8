"""Late reverberation removed: by weighted prediction error, and what that leaves by spectral suppression."""

from collections.abc import Generator
from functools import partial
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording
from ttsai_server.audio.stft import Spectrum, Stft
from ttsai_server.domain import Audio, EnhancementRequest, ModelCard
from ttsai_server.engines.base import Cancellation, Enhancer, LoadContext
from ttsai_server.engines.wpe.overlap_add import overlapped
from ttsai_server.engines.wpe.prediction import without_prediction
from ttsai_server.engines.wpe.suppression import late_gain, reverberation_time

Samples = NDArray[np.float32]
HOP = 0.008
"""Seconds from window to window, of 32 ms."""
DELAY = 5
"""Hops: what comes later than 40 ms is late; what comes sooner helps to understand."""
TAPS, SHARED = 20, 24
"""Hops that are looked at before that, in the bins where speech is: of one channel; of all together, if several."""
FEWEST = 5
"""Of one channel, and above speech, where air swallows what is late."""
SPEECH = 8000
"""Hertz."""
LATE, LATE_SHARED = 0.6, 0.3
"""Share of the late power that is suppressed after prediction, from one channel, from several: more costs words."""
DEEPEST = 12.0
"""Decibels that a bin is turned down at most."""
LENGTH, OVERLAP = 10.0, 1.0
"""Seconds of a stretch: long enough to learn the room, which may change with the speaker."""


class Wpe(Enhancer):
    """`strength` s: all of it is done to a share of 1 - (1 - s)², which is .36, .64, .84, .96, 1 at .2, .4, .6, .8, 1.

    That share of what is predicted to be late is taken off; of what is late after that, .6 of that share in power (.3,
    of several channels) is suppressed; and no bin is turned down by more than 12 dB times that share. Channels are
    predicted from all of them together, and suppressed alike, so that sides keep their place.
    """

    native = False

    def __init__(self, rate: int) -> None:
        """rate: Hertz."""
        self._rate = rate
        self._stft = Stft(4 * round(HOP * rate), round(HOP * rate))

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
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
        share = 1 - (1 - strength) ** 2
        heard = self._stft.analyse(samples)
        speech = _blend(heard, self._predicted(heard), share)
        hertz, pace = self._rate / self._stft.length, self._rate / self._stft.hop
        late = 10 ** (-6 * DELAY / pace / reverberation_time(heard, hertz, pace))
        suppressed = LATE if heard.shape[1] == 1 else LATE_SHARED
        gain = late_gain(_power(speech), suppressed * share * late, DELAY)
        made = _at_least(speech * gain[:, None], heard, 10 ** (-DEEPEST * share / 20))
        return self._stft.synthesise(made, len(samples))

    def _predicted(self, heard: Spectrum) -> Spectrum:
        """Without what is predicted to be late."""
        channels = heard.shape[1]
        corner = round(SPEECH * self._stft.length / self._rate)
        taps = TAPS if channels == 1 else max(FEWEST, SHARED // channels)
        low, high = heard[:corner], heard[corner:]
        return np.concatenate([without_prediction(low, taps, DELAY), without_prediction(high, FEWEST, DELAY)])


def _blend(heard: Spectrum, speech: Spectrum, share: float) -> Spectrum:
    """`share` of the speech, the rest as it was."""
    return (heard + share * (speech - heard)).astype(np.complex64)


def _power(spectrum: Spectrum) -> NDArray[np.float32]:
    """(bins, frames), of all channels together."""
    return np.mean(spectrum.real**2 + spectrum.imag**2, axis=1)


def _at_least(made: Spectrum, heard: Spectrum, floor: float) -> Spectrum:
    """With so much of what was heard, where it is softer, that it is about `floor` times as loud as that."""
    loud = np.abs(heard)
    lacking = np.maximum(floor * loud - np.abs(made), 0) / np.maximum(loud, np.float32(1e-20))
    return (made + lacking * heard).astype(np.complex64)
