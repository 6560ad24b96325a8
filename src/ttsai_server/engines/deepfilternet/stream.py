"""Computes DeepFilterNet3's features from sound, and sound from the network's output, stretch by stretch.

Schröter, Rosenkranz, Escalante-B., Maier: "DeepFilterNet: Perceptually Motivated Real-Time Speech Enhancement" (2023).
A first stage scales 32 bands of equal width on the ERB scale; a second one filters each of the lowest 96 bins with five
taps over time. Constants are those of the published model's `config.ini`.
"""

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Spectra = NDArray[np.complex64]
"""(frames, bins)."""
Network = Callable[[Mapping[str, Array]], Mapping[str, Array]]
"""Runs `graph.py`'s graph for one channel: inputs by name → outputs by name."""

RATE = 48_000
"""Hertz."""
WINDOW, HOP = 960, 480
"""Samples per frame, and samples from one frame to the next."""
LOOKAHEAD = 2
"""Later frames that the network needs for a frame."""
LAG = (WINDOW - HOP) + LOOKAHEAD * HOP
"""Delay of the output, samples."""
BINS, FILTERED, TAPS = WINDOW // 2 + 1, 96, 5
"""Bins of a spectrum; number of the lowest bins, which are filtered; taps of a filter, frames."""
BANDS, NARROWEST = 32, 2
"""Bands of the first stage, and bins of the narrowest."""
DECAY = 0.99
"""Decay per frame of the running means: a time constant of 1 s, rounded as in training."""
LEVELS = (-60.0, -90.0)
"""Initial mean level, dB, of the lowest and the highest band."""
SIZES = (1e-3, 1e-4)
"""Initial mean magnitude of the lowest and the highest filtered bin."""
SPREAD = 40.0
"""Divisor of the levels, dB."""


class Stream:
    """Denoises one channel of a recording. Not thread-safe."""

    def __init__(self, network: Network, states: Mapping[str, Array]) -> None:
        """states: the network's state before the first frame, by the graph's input names."""
        self._network, self._states = network, states
        self._heard = np.zeros(WINDOW - HOP, np.float32)
        self._past = np.zeros((TAPS - 1, BINS), np.complex64)
        self._tail = np.zeros((1, HOP), np.float32)
        self._level = np.linspace(*LEVELS, BANDS, dtype=np.float32)
        self._size = np.linspace(*SIZES, FILTERED, dtype=np.float32)

    def push(self, samples: Array) -> Array:
        """float32 (n,), n a multiple of `HOP` → (n,) without noise, delayed by `LAG` samples."""
        noisy = self._analysed(samples)
        outputs = self._network({**self._features(noisy), **self._states})
        self._states = {name: outputs[name.replace("state", "next")] for name in self._states}
        around = np.concatenate([self._past, noisy])
        self._past = around[-(TAPS - 1) :]
        return self._synthesised(_filtered(around, outputs["m"][0, 0], outputs["coefs"][0]))

    def _analysed(self, samples: Array) -> Spectra:
        heard = np.concatenate([self._heard, samples])
        self._heard = heard[-(WINDOW - HOP) :]
        frames = np.lib.stride_tricks.sliding_window_view(heard, WINDOW)[::HOP]
        return np.fft.rfft(frames * _window(), norm="forward").astype(np.complex64, copy=False)

    def _features(self, noisy: Spectra) -> dict[str, Array]:
        power = noisy.real**2 + noisy.imag**2
        bands = np.add.reduceat(power, np.cumsum(widths()) - widths(), axis=1) / widths()
        levels = 10 * np.log10(bands.astype(np.float32) + 1e-10)
        low = noisy[:, :FILTERED]
        level, size = _running(levels, self._level), _running(np.abs(low), self._size)
        self._level, self._size = level[-1], size[-1]
        even = low / np.sqrt(size)
        return {
            "feat_erb": ((levels - level) / SPREAD)[None, None],
            "feat_spec": np.stack([even.real, even.imag])[None],
        }

    def _synthesised(self, spectra: Spectra) -> Array:
        frames = np.fft.irfft(spectra, norm="forward").astype(np.float32, copy=False) * _window()
        tails = np.concatenate([self._tail, frames[:, HOP:]])
        self._tail = tails[-1:]
        return (frames[:, :HOP] + tails[:-1]).reshape(-1)


def _filtered(around: Spectra, gains: Array, taps: Array) -> Spectra:
    """Apply gains (n, bands) and taps (n, bins, 10) to the frames `LOOKAHEAD` earlier.

    around: (TAPS - 1 + n, bins), the frames with the preceding ones.
    """
    count, before = len(gains), TAPS - 1 - LOOKAHEAD
    clean = around[before : before + count] * np.repeat(gains, widths(), axis=1)
    weights = taps.view(np.complex64)
    clean[:, :FILTERED] = sum(weights[..., tap] * around[tap : tap + count, :FILTERED] for tap in range(TAPS))
    return clean


def _running(values: Array, mean: Array) -> Array:
    """(frames, k) → the running mean at each frame. mean: (k,), the initial one."""
    means = np.empty_like(values)
    for frame, value in enumerate(values):
        mean = means[frame] = DECAY * mean + (1 - DECAY) * value
    return means


@cache
def _window() -> Array:
    """Vorbis's window: the squares of two windows a hop apart sum to 1."""
    slope = np.sin(np.pi * (np.arange(WINDOW) + 0.5) / WINDOW)
    return np.sin(np.pi / 2 * slope**2).astype(np.float32)


@cache
def widths() -> NDArray[np.int64]:
    """(BANDS,): bins per band; equal widths on the ERB scale (Glasberg and Moore 1990), but at least NARROWEST bins."""
    scale = 24.7 * 9.265
    top = np.log1p(RATE / 2 / scale)
    hertz = scale * np.expm1(np.arange(1, BANDS + 1) / BANDS * top)
    ends = np.rint(hertz / (RATE / WINDOW)).astype(np.int64)
    for band in range(BANDS):
        ends[band] = max(ends[band], (ends[band - 1] if band else 0) + NARROWEST)
    ends[-1] = BINS
    return np.diff(ends, prepend=0)
