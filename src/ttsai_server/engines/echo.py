"""Removes discrete echoes: one or several delayed copies of the sound, or a feedback delay.

Homomorphic deconvolution: Bogert, Healy and Tukey 1963, "The quefrency alanysis of time series for echoes"; Oppenheim,
Schafer and Stockham 1968, "Nonlinear filtering of multiplied and convolved signals". An echo of delay d and gain g is a
ripple on the logarithm of the spectrum, so that the mean cepstrum of the whole recording has a peak of height g at d,
and lower ones at sums of delays. The values around the peaks are the cepstrum of a minimum-phase filter, the echo's
path including its tone colour; their negative is the cepstrum of the inverse filter, which is stable.
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
"""Frames per spectrum: 5.5 s at 48 kHz."""
BLOCKS = 100
"""Most blocks analysed for echoes, evenly spread over the recording."""
NEAREST, FARTHEST = 0.05, 1.0
"""Range of an echo's delay, seconds."""
WIDTH = 0.001
"""Seconds on either side of a peak that belong to it: the echo's tone colour."""
FAINTEST, LOUDEST = 0.05, 0.97
"""Range of an echo's gain, over the whole band; anything louder is music that repeats in a loop."""
CLEAR = 8.0
"""Least height of a peak, in standard deviations of its surroundings."""
ALONE = 2.5
"""Least ratio of a peak to the highest value around it: a tone's peaks repeat at multiples of its period."""
AROUND = 0.04
"""Extent of a peak's surroundings on either side, seconds."""
MOST = 4
"""Most echoes."""
ORDERS = 6
"""Most delays in a sum of delays."""
LENGTH = 3 * BLOCK // 4
"""Taps of the inverse filter."""
STEP = 2 * BLOCK - LENGTH
"""Frames filtered per step."""
_LOUDEST = 3.0
"""Nepers of power above the mean of its surroundings at which a line of the spectrum is clipped."""
_SURROUNDINGS = 256
"""Bins on either side that are a line's surroundings."""
_SILENT = 1e-6
"""A block is silent if its loudest bin has no more power than this."""
_SOFTEST = 1e-10
"""Lower bound of a bin's power, as a share of the loudest bin's."""


class Echo(Enhancer):
    """`strength` s scales the filter's logarithm: at 1 the echo is removed, at .5 half of its ripple in dB remains.

    All channels are analysed together and get the same filter. A recording without a clear echo is returned unchanged.
    Music loops that repeat exactly can't be distinguished from echoes.
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
        """Nothing to free."""


def find_echoes(cepstrum: Array, rate: int) -> list[int]:
    """Delays of the echoes, samples, the loudest first. cepstrum: float32 (BLOCK,). rate: Hertz."""
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
    """The mean cepstrum of the blocks that are not silent, float32 (BLOCK,)."""
    total, count = np.zeros(BLOCK // 2 + 1), 0
    for block in _blocks(recording):
        if cancellation.cancelled:
            raise Cancelled
        power = np.abs(np.fft.rfft(block * _window(len(block)), BLOCK, axis=0)) ** 2
        for channel in power[:, np.max(power, axis=0) > _SILENT].T:
            total, count = total + _ripple(channel), count + 1
    return np.fft.irfft(total / max(1, count), BLOCK).astype(np.float32)


def _blocks(recording: Recording) -> Iterator[Array]:
    """Blocks of at most BLOCK frames, (n, channels), evenly spread; overlapping by half if BLOCKS suffice."""
    last = max(0, recording.frames - BLOCK)
    count = min(BLOCKS, 1 + -(-2 * last // BLOCK))
    for start in np.linspace(0, last, count).astype(int):
        yield recording.read(int(start), BLOCK)


def _window(count: int) -> Array:
    return np.hanning(count + 2)[1:-1].astype(np.float32)[:, None]


def _ripple(power: Array) -> Array:
    """The logarithm of a spectrum with its lines clipped: a tone is loud in few bins, an echo is present in all."""
    log = np.log(np.maximum(power, _SOFTEST * np.max(power)))
    padded = np.pad(log, _SURROUNDINGS + 1, mode="edge")
    sums = np.cumsum(padded, dtype=np.float64)
    wide = 2 * _SURROUNDINGS + 1
    smooth = (sums[wide:] - sums[:-wide])[: len(log)] / wide
    return np.minimum(log, smooth + _LOUDEST)


def _inverse(cepstrum: Array, echoes: list[int], rate: int, strength: float) -> Array:
    """Taps of the filter that removes the echoes, float32 (LENGTH,)."""
    width = round(WIDTH * rate)
    kept = np.zeros(BLOCK)
    for delay in (*echoes, *_sums(echoes, BLOCK // 2 - width)):
        kept[delay - width : delay + width + 1] = cepstrum[delay - width : delay + width + 1]
    return np.fft.irfft(np.exp(-strength * np.fft.rfft(kept)), BLOCK)[:LENGTH].astype(np.float32)


def _sums(delays: list[int], below: int) -> set[int]:
    """Sums of delays, where the cepstrum has further peaks: echoes of echoes, and terms of the logarithm."""
    orders = range(2, ORDERS + 1)
    sums = {sum(some) for order in orders for some in combinations_with_replacement(delays, order)}
    return {total for total in sums if total < below}


def _filtered(recording: Recording, first: int, inverse: Array) -> Array:
    """Up to STEP filtered frames, from `first` on."""
    before = min(first, LENGTH - 1)
    heard = recording.read(first - before, before + STEP)
    size = 2 * BLOCK
    spectrum = np.fft.rfft(heard, size, axis=0) * np.fft.rfft(inverse, size)[:, None]
    return np.fft.irfft(spectrum, size, axis=0)[before : len(heard)].astype(np.float32)
