"""Sounds of a small band: notes of several timbres, drums, a room and its noise; float32 or float64 (n,) at RATE."""

from collections.abc import Callable

import numpy as np

RATE = 22_050
LONGEST = 4.0
"""Seconds that a note can be held."""

Sound = np.ndarray
Note = Callable[[float, float, np.random.Generator], Sound]
"""(hertz, seconds, random) → sound, its peak about 1."""


def partials(hertz: float, ratios: Sound, levels: Sound, decays: Sound, seconds: float, depth: float = 0.0) -> Sound:
    """A sum of sines that each die away on their own; `depth`: vibrato in parts of the frequency, at 5.5 Hz."""
    time = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * hertz * (time - depth / (2 * np.pi * 5.5) * np.cos(2 * np.pi * 5.5 * time))
    heard = ratios * hertz < 0.45 * RATE
    rows = zip(ratios[heard], levels[heard], decays[heard], strict=True)
    sound = sum((level * np.exp(-time * decay) * np.sin(ratio * phase) for ratio, level, decay in rows), 0 * time)
    return sound / max(1e-9, float(np.sum(levels[heard]))) * 2


def piano(hertz: float, seconds: float, random: np.random.Generator) -> Sound:
    n = np.arange(1, 11)
    return partials(hertz, n * np.sqrt(1 + 3e-4 * n**2), n**-1.3, 0.8 + 0.5 * n, seconds)


def plucked(hertz: float, seconds: float, random: np.random.Generator) -> Sound:
    n = np.arange(1, 13)
    return partials(hertz, n * 1.0, np.abs(np.sin(n * np.pi * 0.21)) / n, 1.5 + 0.12 * n**2, seconds)


def organ(hertz: float, seconds: float, random: np.random.Generator) -> Sound:
    ratios = np.array([0.5, 1, 1.5, 2, 3, 4, 6, 8])
    return partials(hertz, ratios, np.array([0.4, 1, 0.3, 0.7, 0.3, 0.3, 0.1, 0.1]), 0 * ratios, seconds)


def strings(hertz: float, seconds: float, random: np.random.Generator) -> Sound:
    n = np.arange(1, 13)
    sides = [partials(hertz * shift, n * 1.0, 1.0 / n, 0.0 * n, seconds, 0.003) for shift in (1.0015, 0.9985)]
    return sum(sides, np.zeros(1)) / 2 * np.minimum(1, np.arange(len(sides[0])) / (0.12 * RATE))


def bell(hertz: float, seconds: float, random: np.random.Generator) -> Sound:
    ratios = np.array([0.5, 1, 1.2, 1.5, 2, 2.67, 3.01, 4.17, 5.43])
    return partials(hertz, ratios, np.array([0.2, 1, 0.15, 0.15, 0.8, 0.3, 0.3, 0.2, 0.1]), 1.5 * ratios, seconds)


def flute(hertz: float, seconds: float, random: np.random.Generator) -> Sound:
    tone = partials(hertz, np.array([1.0, 2, 3, 4]), np.array([1, 0.4, 0.15, 0.05]), np.zeros(4), seconds, 0.004)
    breath = 0.03 * random.standard_normal(len(tone))
    return (tone + breath) * np.minimum(1, np.arange(len(tone)) / (0.05 * RATE))


def bass(hertz: float, seconds: float, random: np.random.Generator) -> Sound:
    n = np.arange(1, 8)
    return partials(hertz, n * 1.0, n**-1.1, 0.7 + 0.6 * n, seconds)


def swell(hertz: float, seconds: float) -> Sound:
    n = np.arange(1, 7)
    tone = partials(hertz, n * 1.0, n**-1.3, 0.0 * n, seconds, 0.002)
    rise = np.arange(len(tone)) / (1.5 * RATE)
    return tone * np.minimum(1, np.minimum(rise, rise[::-1]))


MELODIC: tuple[Note, ...] = (piano, plucked, bell, flute, strings, organ)
CHORDAL: tuple[Note, ...] = (piano, plucked, organ, strings)
STRUCK: tuple[Note, ...] = (piano, plucked)


def released(sound: Sound, seconds: float) -> Sound:
    """Held for so long, then let go within 60 ms."""
    count, fade = round(seconds * RATE), round(0.06 * RATE)
    cut = sound[: count + fade].copy()
    tail = cut[count:]
    tail *= np.linspace(1, 0, fade)[: len(tail)]
    return cut


def kick(random: np.random.Generator) -> Sound:
    time = np.arange(round(0.25 * RATE)) / RATE
    return np.sin(2 * np.pi * (48 * time + 4 * (1 - np.exp(-time * 30)))) * np.exp(-time * 14)


def snare(random: np.random.Generator) -> Sound:
    time = np.arange(round(0.2 * RATE)) / RATE
    return 0.6 * random.standard_normal(len(time)) * np.exp(-time * 25) + 0.5 * np.sin(2 * np.pi * 185 * time) * np.exp(
        -time * 30
    )


def hat(random: np.random.Generator) -> Sound:
    time = np.arange(round(0.08 * RATE)) / RATE
    return 0.5 * np.diff(random.standard_normal(len(time) + 1)) * np.exp(-time * 70)


DRUMS = {"kick": kick, "snare": snare, "hat": hat}


def room(sound: Sound, seconds: float, wet: float, random: np.random.Generator) -> Sound:
    """With reverberation that falls by 60 dB in so many seconds."""
    time = np.arange(round(seconds * RATE)) / RATE
    tail = random.standard_normal(len(time)) * np.exp(-6.9 * time / seconds)
    size = 1 << (len(sound) + len(tail)).bit_length()
    echo = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(tail, size), size)[: len(sound)]
    return sound + wet * echo * np.std(sound) / max(1e-9, float(np.std(echo)))


def noise(count: int, random: np.random.Generator) -> Sound:
    """Between white and pink; standard deviation 1."""
    spectrum = np.fft.rfft(random.standard_normal(count))
    coloured = np.fft.irfft(spectrum / np.maximum(1, np.arange(len(spectrum))) ** random.uniform(0, 0.5), count)
    return coloured / np.std(coloured)
