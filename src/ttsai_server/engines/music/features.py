"""What is kept of a recording to tell its key, tempo and metre by: a few numbers a frame, computed block by block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording

Floats = NDArray[np.floating[Any]]

RATE = 22_050
HOP, WINDOW = 256, 1024
"""Samples from one frame of onsets to the next, and that it is of."""
STRIDE, LONG_WINDOW = 2048, 8192
"""The same of pitches: the peaks of so long a window (.37 s) tell half tones apart from 65 Hz up."""
BLOCK = 220 * STRIDE
"""Samples of a block, 20.4 s: whole frames of both kinds."""
ONSETS_PER_SECOND, PITCHES_PER_SECOND = RATE / HOP, RATE / STRIDE
MELS = 40
BANDS = (0, 5, 18, 40)
"""Mel bins at which the bands of the onsets begin: up to .5 kHz (bass, kick), to 1.7 kHz, to 11 kHz (snare, hats)."""
LAG = 2
"""Frames over which a rise of loudness is measured."""
STEPS = 36
"""Steps of an octave in which pitches are kept until the tuning is known."""
LOWEST, MIDDLE, HIGHEST = 52, 220, 2100
"""Hertz: the bass's pitches lie below the middle, those of chords and tunes above."""
FAINT = 0.005
"""A peak this much weaker than the frame's strongest is none."""
HARMONIC = (9, 31)
"""Frames (.8 s) and bins (83 Hz) of the medians by which what lasts is told from what strikes (Fitzgerald 2010)."""


@dataclass(frozen=True, slots=True)
class Features:
    """Of a block, or of all of a recording."""

    onsets: Floats
    """float32 (bands, frames): how much louder than a moment ago, dB; ONSETS_PER_SECOND."""
    pitches: Floats
    """float16 (2, STEPS, frames): how strong each pitch class is in the bass, and above; PITCHES_PER_SECOND. Step 0 is
    A at 440 Hz."""
    tuning: complex
    """Sum of the peaks' strengths, each turned by where in its half tone it lies."""
    weight: float
    """Sum of the peaks' strengths."""
    loudness: Floats
    """float32 (frames,): root mean square, a frame a pitch frame."""


def joined(blocks: Sequence[Features]) -> Features:
    return Features(
        np.concatenate([block.onsets for block in blocks], axis=1),
        np.concatenate([block.pitches for block in blocks], axis=2),
        sum(block.tuning for block in blocks),
        sum(block.weight for block in blocks),
        np.concatenate([block.loudness for block in blocks]),
    )


class Listener:
    """Computes features, by librosa."""

    def __init__(self, librosa: Any) -> None:
        self._librosa = librosa
        self._mel: Floats = librosa.filters.mel(sr=RATE, n_fft=WINDOW, n_mels=MELS)

    def hear(self, recording: Recording, start: int) -> Features:
        """Of the block that begins at sample `start`, of a recording that is mono at RATE."""
        count = min(BLOCK, recording.frames - start)
        onsets = self._onsets(_around(recording, start - LAG * HOP, -(-count // HOP) + LAG, HOP, WINDOW))
        sound = _around(recording, start, -(-count // STRIDE), STRIDE, LONG_WINDOW)
        pitches, tuning, weight = self._pitches(sound)
        frames = np.lib.stride_tricks.sliding_window_view(sound, LONG_WINDOW)[::STRIDE]
        loudness = np.sqrt(np.einsum("ij,ij->i", frames, frames) / LONG_WINDOW)
        return Features(onsets, pitches, tuning, weight, loudness)

    def _onsets(self, sound: Floats) -> Floats:
        spectrum = np.abs(self._librosa.stft(sound, n_fft=WINDOW, hop_length=HOP, center=False))
        loudness = self._librosa.power_to_db(self._mel @ spectrum**2, top_db=80)
        rises = np.maximum(0, loudness[:, LAG:] - loudness[:, :-LAG])
        return (np.add.reduceat(rises, BANDS[:-1], axis=0) / np.diff(BANDS)[:, None]).astype(np.float32)

    def _pitches(self, sound: Floats) -> tuple[Floats, complex, float]:
        spectrum = np.abs(self._librosa.stft(sound, n_fft=LONG_WINDOW, hop_length=STRIDE, center=False))
        width = RATE / LONG_WINDOW
        low, high = int(LOWEST / width), int(HIGHEST / width)
        lasting = self._librosa.decompose.hpss(spectrum[: high + 2], kernel_size=HARMONIC)[0][low - 1 :]
        rows, frames, strength = _peaks(lasting)
        steps = STEPS * np.log2((rows + low) * width / 440)
        found = np.zeros((2, STEPS, spectrum.shape[1]), np.float32)
        voice = ((rows + low) * width >= MIDDLE).astype(int)
        whole = np.floor(steps).astype(int)
        np.add.at(found, (voice, whole % STEPS, frames), strength * (1 - (steps - whole)))
        np.add.at(found, (voice, (whole + 1) % STEPS, frames), strength * (steps - whole))
        turned = strength * np.exp(2j * np.pi * steps * 12 / STEPS)
        return found.astype(np.float16), complex(np.sum(turned)), float(np.sum(strength))


def _peaks(spectrum: Floats) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Bin (a parabola's top, to a fraction), frame and strength of the peaks; bin 0 is the spectrum's second row."""
    middle = spectrum[1:-1]
    below, here, above = np.log(np.maximum(1e-9, [spectrum[:-2], middle, spectrum[2:]]))
    peaks = (here > below) & (here >= above) & (middle > FAINT * np.max(spectrum, axis=0) + 1e-6)
    rows, frames = np.nonzero(peaks)
    bend = np.minimum(-1e-9, below - 2 * here + above)[peaks]
    shift = np.clip(0.5 * (below - above)[peaks] / bend, -0.5, 0.5)
    return rows + shift, frames, np.sqrt(middle[peaks])


def _around(recording: Recording, start: int, frames: int, hop: int, window: int) -> Floats:
    """float32 (n,): windows of so many frames, the first centred on `start`; silence outside the recording."""
    first, count = start - window // 2, (frames - 1) * hop + window
    before = max(0, -first)
    sound = recording.read(first + before, count - before)[:, 0]
    return np.pad(sound, (before, count - before - len(sound)))
