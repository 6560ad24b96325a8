"""Discrete echoes removed: a late copy of the sound, or several, or one that is fed back.

Homomorphic deconvolution: Bogert, Healy and Tukey 1963, "The quefrency alanysis of time series for echoes"; Oppenheim,
Schafer and Stockham 1968, "Nonlinear filtering of multiplied and convolved signals". An echo of delay d and gain g is a
ripple on the logarithm of the spectrum, so that the mean cepstrum of the whole recording has a peak of height g at d,
and lesser ones at sums of the delays. What belongs to the peaks, taken as the cepstrum of a filter of minimum phase, is
the echo's path, with its tone colour; its negative is that of the inverse, which is stable.
"""

from collections.abc import Generator, Iterator
from itertools import combinations_with_replacement
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, EnhancementRequest, ModelCard
from ttsai_server.engines.base import Cancellation, Cancelled, Enhancer, LoadContext

Array = NDArray[np.float32]
BLOCK = 1 << 18
"""Frames whose spectrum is taken at a time: 5.5 s at 48 kHz."""
BLOCKS = 100
"""Most that are listened to for echoes, evenly spread."""
NEAREST, FARTHEST = 0.05, 1.0
"""Seconds of delay that are an echo."""
WIDTH = 0.001
"""Seconds around a peak that belong to it: the echo's tone colour."""
FAINTEST, LOUDEST = 0.05, 0.97
"""Least and greatest gain, over the whole band, of what is taken for an echo; louder is a loop that repeats itself."""
CLEAR = 8.0
"""How far a peak stands out of what is around it, in its standard deviations."""
ALONE = 2.5
"""How far it stands out of the highest around it: those of a tone have equals at its period's multiples."""
AROUND = 0.04
"""Seconds at either side that are around it."""
MOST = 4
"""Echoes."""
ORDERS = 6
"""How many times over delays are added up."""
LENGTH = 3 * BLOCK // 4
"""Taps of the inverse filter."""
STEP = 2 * BLOCK - LENGTH
"""Frames that are filtered at a time."""
_LOUDEST = 3.0
"""Nepers of power above its surroundings that a line of the spectrum counts at most."""
_SURROUNDINGS = 256
"""Bins at either side."""
_SILENT = 1e-6
"""Power of the loudest bin of what is silence."""
_SOFTEST = 1e-10
"""Least power of a bin, of the loudest one's."""


class Echo(Enhancer):
    """`strength` s scales the filter's logarithm: at 1 the echo goes, at .5 half of its ripple, in decibels, is left.

    All channels are listened to together, and get the same filter. A recording in which no echo stands out comes back
    as it is. Loops of music that repeat to the sample can't be told from a recording with an echo.
    """

    native = False

    def __init__(self, rate: int) -> None:
        """rate: Hertz."""
        self._rate = rate

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        return cls(card.rate)

    def enhance(
        self, recording: Recording, request: EnhancementRequest, cancellation: Cancellation
    ) -> Generator[Audio]:
        cepstrum = _cepstrum(recording, cancellation)
        echoes = find_echoes(cepstrum, self._rate)
        inverse = _inverse(cepstrum, echoes, self._rate, request.strength) if echoes else None
        for first in range(0, recording.frames, STEP):
            if cancellation.cancelled:
                raise Cancelled
            made = recording.read(first, STEP) if inverse is None else _filtered(recording, first, inverse)
            yield Audio(np.clip(made, -1, 1), self._rate)

    def close(self) -> None:
        """There is nothing to free."""


def find_echoes(cepstrum: Array, rate: int) -> list[int]:
    """Delays of the peaks that are echoes, samples, the highest first."""
    near, far, around, width = (round(seconds * rate) for seconds in (NEAREST, FARTHEST, AROUND, WIDTH))
    height = np.abs(cepstrum)
    found: list[int] = []
    if np.max(height[near:far]) > LOUDEST:
        return found
    for peak in near + np.argsort(height[near:far])[::-1][:1000]:
        if len(found) == MOST or height[peak] < FAINTEST:
            break
        if all(abs(int(peak) - total) > 2 * width for total in (*found, *_sums(found, far))):
            beside = np.r_[height[peak - around : peak - width], height[peak + width : peak + around]]
            if height[peak] > max(CLEAR * np.sqrt(np.mean(beside**2)), ALONE * np.max(beside)):
                found.append(int(peak))
    return found


def _cepstrum(recording: Recording, cancellation: Cancellation) -> Array:
    """The mean cepstrum of all that is not silent, float32 (BLOCK,)."""
    total, count = np.zeros(BLOCK // 2 + 1), 0
    for block in _blocks(recording):
        if cancellation.cancelled:
            raise Cancelled
        power = np.abs(np.fft.rfft(block * _window(len(block)), BLOCK, axis=0)) ** 2
        for channel in power[:, np.max(power, axis=0) > _SILENT].T:
            total, count = total + _ripple(channel), count + 1
    return np.fft.irfft(total / max(1, count), BLOCK).astype(np.float32)


def _blocks(recording: Recording) -> Iterator[Array]:
    """(BLOCK, channels), half overlapping where there are few enough."""
    last = max(0, recording.frames - BLOCK)
    count = min(BLOCKS, 1 + -(-2 * last // BLOCK))
    for start in np.linspace(0, last, count).astype(int):
        yield recording.read(int(start), BLOCK)


def _window(count: int) -> Array:
    return np.hanning(count + 2)[1:-1].astype(np.float32)[:, None]


def _ripple(power: Array) -> Array:
    """The logarithm of a spectrum, lines clipped: a tone is loud in few bins, an echo is heard in all."""
    log = np.log(np.maximum(power, _SOFTEST * np.max(power)))
    padded = np.pad(log, _SURROUNDINGS + 1, mode="edge")
    sums = np.cumsum(padded, dtype=np.float64)
    wide = 2 * _SURROUNDINGS + 1
    smooth = (sums[wide:] - sums[:-wide])[: len(log)] / wide
    return np.minimum(log, smooth + _LOUDEST)


def _inverse(cepstrum: Array, echoes: list[int], rate: int, strength: float) -> Array:
    """Taps of the filter that undoes the echoes, float32 (LENGTH,)."""
    width = round(WIDTH * rate)
    kept = np.zeros(BLOCK)
    for delay in (*echoes, *_sums(echoes, BLOCK // 2 - width)):
        kept[delay - width : delay + width + 1] = cepstrum[delay - width : delay + width + 1]
    return np.fft.irfft(np.exp(-strength * np.fft.rfft(kept)), BLOCK)[:LENGTH].astype(np.float32)


def _sums(delays: list[int], below: int) -> set[int]:
    """Delays at which echoes of echoes come, and what else the logarithm adds."""
    orders = range(2, ORDERS + 1)
    sums = {sum(some) for order in orders for some in combinations_with_replacement(delays, order)}
    return {total for total in sums if total < below}


def _filtered(recording: Recording, first: int, inverse: Array) -> Array:
    """STEP frames, or as many as there are, from `first` on."""
    before = min(first, LENGTH - 1)
    heard = recording.read(first - before, before + STEP)
    size = 2 * BLOCK
    spectrum = np.fft.rfft(heard, size, axis=0) * np.fft.rfft(inverse, size)[:, None]
    return np.fft.irfft(spectrum, size, axis=0)[before : len(heard)].astype(np.float32)
