"""The short-time Fourier transform and its inverse."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Spectrum = NDArray[np.complex64]
"""(bins, channels, frames)."""


@dataclass(frozen=True)
class Stft:
    """With a Hann window for analysis and synthesis."""

    length: int
    """Samples per window; a multiple of `hop`, at least three times as long."""
    hop: int
    """Samples from one window to the next."""

    @property
    def bins(self) -> int:
        return self.length // 2 + 1

    def analyse(self, samples: Samples) -> Spectrum:
        """float32 (n, channels) → complex64 (bins, channels, frames); padded so that each sample is in length / hop
        windows."""
        edge = self.length - self.hop
        padded = np.pad(samples, ((edge, edge + -len(samples) % self.hop), (0, 0)))
        frames = np.lib.stride_tricks.sliding_window_view(padded, self.length, axis=0)[:: self.hop]
        return np.ascontiguousarray(np.fft.rfft(frames * self._window).transpose(2, 1, 0), np.complex64)

    def synthesise(self, spectrum: Spectrum, count: int) -> Samples:
        """The inverse: float32 (count, channels), the sound whose STFT is nearest to the spectrum in least squares
        (Griffin & Lim, 1984). count: samples of the original."""
        pieces = np.fft.irfft(spectrum.transpose(2, 1, 0), self.length) * self._window
        frames, channels, _ = pieces.shape
        laps = self.length // self.hop
        parts = pieces.reshape(frames, channels, laps, self.hop)
        whole = np.zeros((frames + laps - 1, channels, self.hop), np.float32)
        weight = np.zeros((frames + laps - 1, 1, self.hop), np.float32)
        for lap, window in enumerate(self._window.reshape(laps, self.hop)):
            whole[lap : lap + frames] += parts[:, :, lap]
            weight[lap : lap + frames] += window**2
        inner = slice(laps - 1, frames)  # the samples that are in all length / hop windows
        sound = (whole[inner] / weight[inner]).transpose(0, 2, 1).reshape(-1, channels)
        return sound[:count].astype(np.float32)

    @cached_property
    def _window(self) -> Samples:
        return np.hanning(self.length + 1)[:-1].astype(np.float32)
