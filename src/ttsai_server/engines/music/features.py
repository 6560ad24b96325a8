"""What is kept of a recording to tell its key, tempo and metre by: a few numbers a frame, computed block by block."""

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
"""Samples from one frame of onsets to the next, and that it is of."""
STRIDE, LONG_WINDOW = 2048, 8192
"""The same of pitches: the peaks of so long a window (.37 s) tell half tones apart from 65 Hz up."""
BLOCK = 220 * STRIDE
"""Samples of a block, 20.4 s: whole frames of both kinds."""
ONSETS_PER_SECOND, PITCHES_PER_SECOND = RATE / HOP, RATE / STRIDE
MELS = 40
BANDS = (0, 5, 18, 40)
"""Mel bins at which the bands of the onsets begin: up to .5 kHz (bass, kick), to 1.7 kHz, to 11 kHz (snare, hats)."""
QUIETEST, RANGE = 1e-10, 1e-8
"""Power below which loudness is not told apart: at all, and as a share of the block's loudest (-80 dB)."""
LAG = 2
"""Frames over which a rise of loudness is measured."""
STEPS = 36
"""Steps of an octave in which pitches are kept until the tuning is known."""
LOWEST, MIDDLE, HIGHEST = 52, 220, 2100
"""Hertz: the bass's pitches lie below the middle, those of chords and tunes above."""
FAINT = 0.005
"""A peak this much weaker than the frame's strongest is none."""
HARMONIC = (9, 31)
"""Frames (.8 s) and bins (83 Hz) over which what lasts is told from what strikes."""


@dataclass(frozen=True, slots=True)
class Features:
    """Of a block, or of all of a recording."""

    onsets: Floats
    """float32 (bands, frames): how much louder than a moment ago, dB; ONSETS_PER_SECOND."""
    pitches: Floats
    """float16 (2, STEPS, frames): how strong each pitch class is in the bass, and above; PITCHES_PER_SECOND. Step 0 is
    A at 440 Hz."""
    tuning: NDArray[np.complex128]
    """(STEPS,): sum of the strengths of the peaks at each step, each turned by where in its half tone it lies."""
    weight: float
    """Sum of the peaks' strengths."""
    loudness: Floats
    """float32 (frames,): root mean square, a frame a pitch frame."""


def joined(blocks: Sequence[Features]) -> Features:
    return Features(
        np.concatenate([block.onsets for block in blocks], axis=1),
        np.concatenate([block.pitches for block in blocks], axis=2),
        np.sum([block.tuning for block in blocks], axis=0),
        sum(block.weight for block in blocks),
        np.concatenate([block.loudness for block in blocks]),
    )


class Listener:
    """Computes features of recordings that are mono at RATE."""

    def __init__(self) -> None:
        self._mel = mel_filters(RATE, WINDOW, MELS)

    def hear(self, recording: Recording, start: int) -> Features:
        """Of the block that begins at sample `start`; .006 CPU-seconds per second of sound."""
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
    """Bin (a parabola's top, to a fraction), frame and strength of the peaks; bin 0 is the spectrum's second row."""
    middle = spectrum[1:-1]
    below, here, above = np.log(np.maximum(1e-9, [spectrum[:-2], middle, spectrum[2:]]))
    peaks = (here > below) & (here >= above) & (middle > FAINT * np.max(spectrum, axis=0) + 1e-6)
    rows, times = np.nonzero(peaks)
    bend = np.minimum(-1e-9, below - 2 * here + above)[peaks]
    shift = np.clip(0.5 * (below - above)[peaks] / bend, -0.5, 0.5)
    return rows + shift, times, np.sqrt(middle[peaks])


def _around(recording: Recording, start: int, frames: int, hop: int, window: int) -> Floats:
    """float32 (frames, window): the first centred on `start`, the next a hop on; silence outside the recording."""
    first, count = start - window // 2, (frames - 1) * hop + window
    before = max(0, -first)
    sound = recording.read(first + before, count - before)[:, 0]
    padded = np.pad(sound, (before, count - before - len(sound)))
    return np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
