"""Extracts the features that key, tempo and metre are computed from: a few numbers per frame, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.mel import mel_filters
from ttsai_server.audio.recording import Recording
from ttsai_server.engines.music.spectrum import Floats, harmonic, magnitudes

RATE = 22_050
HOP, WINDOW = 256, 1024
"""Onset frames: samples from one to the next, samples per window."""
STRIDE, LONG_WINDOW = 2048, 8192
"""Pitch frames, likewise: a window this long (.37 s) resolves semitones from 65 Hz up."""
BLOCK = 220 * STRIDE
"""Samples per block, 20.4 s: a whole number of frames of both kinds."""
ONSETS_PER_SECOND, PITCHES_PER_SECOND = RATE / HOP, RATE / STRIDE
MELS = 40
BANDS = (0, 5, 18, 40)
"""Mel bins at which the bands of the onsets begin: up to .5 kHz (bass, kick), to 1.7 kHz, to 11 kHz (snare, hats)."""
QUIETEST, RANGE = 1e-10, 1e-8
"""Lower bounds of the power: absolute, and as a share of the block's loudest (-80 dB)."""
LAG = 2
"""Frames over which a rise of loudness is measured."""
STEPS = 36
"""Steps per octave of the pitch classes, until the tuning is known."""
LOWEST, MIDDLE, HIGHEST = 52, 220, 2100
"""Hertz: the bass's pitches lie below the middle, those of chords and tunes above."""
FAINT = 0.005
"""Peaks weaker than this share of the frame's strongest are ignored."""
HARMONIC = (9, 31)
"""Median lengths, frames (.8 s) and bins (83 Hz), of the harmonic-percussive separation."""


@dataclass(frozen=True, slots=True)
class Features:
    """Features of a block, or of a whole recording."""

    onsets: Floats
    """float32 (bands, frames), at ONSETS_PER_SECOND: rise of the loudness, dB."""
    pitches: Floats
    """float16 (2, STEPS, frames), at PITCHES_PER_SECOND: strength of each pitch class in the bass, and above. Step 0 is
    A at 440 Hz."""
    tuning: NDArray[np.complex128]
    """(STEPS,): sum of the peaks at each step, as complex numbers: strength, and position within the semitone as the
    angle."""
    weight: float
    """Sum of the peaks' strengths."""
    loudness: Floats
    """float32 (frames,): root mean square of each pitch frame."""


def joined(blocks: Sequence[Features]) -> Features:
    return Features(
        np.concatenate([block.onsets for block in blocks], axis=1),
        np.concatenate([block.pitches for block in blocks], axis=2),
        np.sum([block.tuning for block in blocks], axis=0),
        sum(block.weight for block in blocks),
        np.concatenate([block.loudness for block in blocks]),
    )


class FeatureExtractor:
    """Computes features of recordings that are mono at RATE."""

    def __init__(self) -> None:
        self._mel = mel_filters(RATE, WINDOW, MELS)

    def extract(self, recording: Recording, start: int) -> Features:
        """Features of the block that begins at sample `start`; .006 CPU-seconds per second of sound."""
        count = min(BLOCK, recording.frames - start)
        onsets = self._onsets(_around(recording, start - LAG * HOP, -(-count // HOP) + LAG, HOP, WINDOW))
        frames = _around(recording, start, -(-count // STRIDE), STRIDE, LONG_WINDOW)
        pitches, tuning, weight = _pitches(frames)
        loudness = np.sqrt(np.einsum("ij,ij->i", frames, frames) / LONG_WINDOW)
        return Features(onsets, pitches, tuning, weight, loudness)

    def _onsets(self, frames: Floats) -> Floats:
        power = self._mel @ magnitudes(frames) ** 2
        loudness = 10 * np.log10(np.maximum(power, max(QUIETEST, RANGE * float(np.max(power)))))
        rises = np.maximum(0, loudness[:, LAG:] - loudness[:, :-LAG])
        return (np.add.reduceat(rises, BANDS[:-1], axis=0) / np.diff(BANDS)[:, None]).astype(np.float32)


def _pitches(frames: Floats) -> tuple[Floats, NDArray[np.complex128], float]:
    width = RATE / LONG_WINDOW
    low, high = int(LOWEST / width), int(HIGHEST / width)
    lasting = harmonic(magnitudes(frames)[: high + 2], *HARMONIC)[low - 1 :]
    rows, times, strength = _peaks(lasting)
    steps = STEPS * np.log2((rows + low) * width / 440)
    found = np.zeros((2, STEPS, len(frames)), np.float32)
    voice = ((rows + low) * width >= MIDDLE).astype(int)
    whole = np.floor(steps).astype(int)
    np.add.at(found, (voice, whole % STEPS, times), strength * (1 - (steps - whole)))
    np.add.at(found, (voice, (whole + 1) % STEPS, times), strength * (steps - whole))
    tuning = np.zeros(STEPS, np.complex128)
    np.add.at(tuning, np.round(steps).astype(int) % STEPS, strength * np.exp(2j * np.pi * steps * 12 / STEPS))
    return found.astype(np.float16), tuning, float(np.sum(strength))


def _peaks(spectrum: Floats) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Bin (with a fraction, by parabolic interpolation), frame and strength of the peaks; bin 0 is the spectrum's
    second row."""
    middle = spectrum[1:-1]
    below, here, above = np.log(np.maximum(1e-9, [spectrum[:-2], middle, spectrum[2:]]))
    peaks = (here > below) & (here >= above) & (middle > FAINT * np.max(spectrum, axis=0) + 1e-6)
    rows, times = np.nonzero(peaks)
    bend = np.minimum(-1e-9, below - 2 * here + above)[peaks]
    shift = np.clip(0.5 * (below - above)[peaks] / bend, -0.5, 0.5)
    return rows + shift, times, np.sqrt(middle[peaks])


def _around(recording: Recording, start: int, frames: int, hop: int, window: int) -> Floats:
    """float32 (frames, window): the first is centred on `start`, the next a hop later; zero outside the recording."""
    first, count = start - window // 2, (frames - 1) * hop + window
    before = max(0, -first)
    sound = recording.read(first + before, count - before)[:, 0]
    padded = np.pad(sound, (before, count - before - len(sound)))
    return np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
