"""Removes late reverberation by weighted prediction error (WPE), and the rest by spectral suppression."""

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
"""Seconds from one window of 32 ms to the next."""
DELAY = 5
"""Hops: reflections after 40 ms are late reverberation; earlier ones help intelligibility."""
TAPS, SHARED = 20, 24
"""Prediction filter taps, hops, in the bins with speech: for one channel; for several, the total of all channels."""
FEWEST = 5
"""Least taps per channel; also those above SPEECH, where air absorbs late reverberation."""
SPEECH = 8000
"""Upper limit of speech, Hertz."""
LATE, LATE_SHARED = 0.6, 0.3
"""Share of the late power suppressed after the prediction, for one channel, for several: more makes words inaudible."""
DEEPEST = 12.0
"""Most attenuation of a bin, dB."""
LENGTH, OVERLAP = 10.0, 1.0
"""Length and overlap of the stretches, seconds: long enough to estimate the room, which may change with the speaker."""


class Wpe(Enhancer):
    """`strength` s scales the effect by e = 1 - (1 - s)², which is .36, .64, .84, .96, 1 at .2, .4, .6, .8, 1.

    It subtracts e times the predicted late reverberation; suppresses .6 e (.3 e for several channels) of the late
    power that remains; and attenuates no bin by more than 12 e dB. Each channel is predicted from all channels, and
    all are suppressed alike, so that the stereo image is kept.
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
        work = partial(self._dereverberated, strength=request.strength)
        yield from overlapped(recording, length, overlap, work, cancellation)

    def close(self) -> None:
        """Nothing to free."""

    def _dereverberated(self, samples: Samples, strength: float) -> Samples:
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
        """Subtract the predicted late reverberation."""
        channels = heard.shape[1]
        corner = round(SPEECH * self._stft.length / self._rate)
        taps = TAPS if channels == 1 else max(FEWEST, SHARED // channels)
        low, high = heard[:corner], heard[corner:]
        return np.concatenate([without_prediction(low, taps, DELAY), without_prediction(high, FEWEST, DELAY)])


def _blend(heard: Spectrum, speech: Spectrum, share: float) -> Spectrum:
    """Mix `share` of the speech with 1 - `share` of the original."""
    return (heard + share * (speech - heard)).astype(np.complex64)


def _power(spectrum: Spectrum) -> NDArray[np.float32]:
    """(bins, frames): mean over the channels."""
    return np.mean(spectrum.real**2 + spectrum.imag**2, axis=1)


def _at_least(made: Spectrum, heard: Spectrum, floor: float) -> Spectrum:
    """Where the result is softer than `floor` times the original, add enough of the original to reach that."""
    loud = np.abs(heard)
    lacking = np.maximum(floor * loud - np.abs(made), 0) / np.maximum(loud, np.float32(1e-20))
    return (made + lacking * heard).astype(np.complex64)
