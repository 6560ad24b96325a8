"""The STFT that Spleeter's networks were trained on, and its inverse: 4096 samples every 1024.

Periodic Hann windows for analysis and synthesis; four of them overlap, and their squares sum to 3/2.
"""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Spectrum = NDArray[np.complex64]
SIZE, HOP = 4096, 1024
WIDTH = SIZE // 2 + 1
"""Bins."""
_SQUARES = 1.5


def window() -> Samples:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SIZE) / SIZE)).astype(np.float32)


def analyse(samples: Samples) -> Spectrum:
    """(n, channels) → complex64 (channels, frames, 2049); complete windows only, without padding."""
    frames = np.lib.stride_tricks.sliding_window_view(samples.T, SIZE, axis=1)[:, ::HOP]
    return np.fft.rfft(frames * window()).astype(np.complex64, copy=False)


class Synthesis:
    """The inverse STFT of consecutive spectra."""

    def __init__(self, channels: int) -> None:
        self._tail = np.zeros((channels, SIZE - HOP), np.float32)
        """Overlap of the previous spectrum's frames with the next ones."""

    def push(self, spectrum: Spectrum) -> Samples:
        """(channels, frames, 2049) → float32 (1024 * frames, channels): the sound that is complete."""
        frames = np.fft.irfft(spectrum, SIZE).astype(np.float32, copy=False) * (window() / _SQUARES)
        channels, count, _ = frames.shape
        summed = np.zeros((channels, count + SIZE // HOP - 1, HOP), np.float32)
        for part, hops in enumerate(np.split(frames, SIZE // HOP, axis=2)):
            summed[:, part : part + count] += hops
        sound = summed.reshape(channels, -1)
        sound[:, : SIZE - HOP] += self._tail
        self._tail = sound[:, count * HOP :].copy()
        return np.ascontiguousarray(sound[:, : count * HOP].T)
