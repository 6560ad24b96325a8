"""Moves the manner of speech: level and range of its pitch, tempo, pauses, energy, brightness.

Pitch and tempo by TD-PSOLA (Moulines & Charpentier 1990, "Pitch-synchronous waveform processing techniques for
text-to-speech synthesis using diphones"): grains of two periods are laid out anew, so that the formants, hence the
words and the speaker, stay. Which way each emotion goes is what these reviews found in common:

- Murray & Arnott 1993, "Toward the simulation of emotion in synthetic speech";
- Scherer 2003, "Vocal communication of emotion: a review of research paradigms";
- Juslin & Laukka 2003, "Communication of emotions in vocal expression and music performance".

Anger, joy and elation: higher and wider pitch, faster, louder, brighter, fewer pauses; sadness: the opposite.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.filters import Filter, Filters
from ttsai_server.audio.pitch import HOP, mean_pitch, track
from ttsai_server.audio.recording import Recording, Stopped
from ttsai_server.audio.voice_sample import measure

Floats = NDArray[np.float64]
BLOCK = 20.0
"""Seconds processed at a time, cut where it is quietest in the last quarter."""
UNVOICED = 0.005
"""Seconds from one grain to the next where there is no pitch."""
MARGIN = 0.02
"""Seconds around a block that its outermost grains reach into: more than a period of the lowest pitch."""
FURTHEST = 2.0
"""A pitch is moved by at most this factor, or one over it."""
NEAR = 0.2
"""How far from where it is expected the peak of a period is looked for, in periods."""
CEILING = 0.97
"""Highest sample, of what is made louder."""


@dataclass(frozen=True, slots=True)
class Prosody:
    """Changes of the manner of speech; the defaults change nothing."""

    semitones: float = 0.0
    """Added to the pitch."""
    spread: float = 1.0
    """Factor of the pitch's distance from its mean, on a logarithmic scale."""
    tempo: float = 1.0
    """Factor of the speed, of speech and pauses."""
    pauses: float = 1.0
    """Factor of the length of pauses, beside tempo."""
    decibels: float = 0.0
    """Added to the level."""
    treble: float = 0.0
    """Added above some 2 kHz, dB."""


NEUTRAL = Prosody()
EMOTIONS: Mapping[str, Prosody] = {
    "neutral": NEUTRAL,
    "happy": Prosody(2.0, 1.45, 1.06, 0.9, 2.0, 1.5),
    "sad": Prosody(-1.5, 0.65, 0.85, 1.4, -4.0, -3.0),
    "angry": Prosody(2.5, 1.5, 1.1, 0.7, 4.0, 3.0),
    "excited": Prosody(4.0, 1.6, 1.15, 0.75, 3.0, 2.5),
}


def change(recording: Recording, prosody: Prosody, *, stop: Callable[[], bool] = lambda: False) -> Recording:
    """A new recording of mono speech of any length, with its manner changed; for the caller to close. Blocking.

    Raises Stopped if `stop()`, called before each block, returns true.
    """
    made = recording.empty()
    try:
        shape = Filters(recording.rate, 1, list(_shaping(prosody)))
        for samples in _relaid(recording, prosody, stop):
            made.append(shape.push(samples))
        made.append(shape.finish())
    except BaseException:
        made.close()
        raise
    return made


def _shaping(prosody: Prosody) -> Iterator[Filter]:
    """Filters for energy and brightness."""
    if prosody.treble:
        yield "treble", {"g": prosody.treble, "f": 2000, "t": "q", "w": 0.7}
    if prosody.decibels:
        yield "volume", {"volume": f"{prosody.decibels}dB", "precision": "float"}
    yield "alimiter", {"limit": CEILING, "level": 0, "attack": 5, "release": 50, "latency": 1}


def _relaid(recording: Recording, prosody: Prosody, stop: Callable[[], bool]) -> Iterator[NDArray[np.float32]]:
    """The recording with its pitch and tempo changed, block by block: float32 (n, 1)."""
    rate = recording.rate
    pitch, level = _analysed(recording, stop)
    ratio = _ratios(pitch, prosody)
    speed = _speeds(recording, len(pitch), prosody)
    when = np.concatenate([[0.0], np.cumsum(HOP / speed)])
    for first, last in _blocks(level):
        if stop():
            raise Stopped
        start, end = round(first * HOP * rate), min(round(last * HOP * rate), recording.frames)
        margin = round(MARGIN * rate)
        before = min(margin, start)
        samples = recording.read(start - before, end - start + before + margin)[:, 0].astype(np.float64)
        samples = np.pad(samples, (margin - before, end - start + margin + before - len(samples)))
        count = round(when[last] * rate) - round(when[first] * rate)
        times = (when[first : last + 1] - when[first]) * rate
        yield _psola(samples, margin, rate, pitch[first:last], ratio[first:last], times, count)


def _analysed(recording: Recording, stop: Callable[[], bool]) -> tuple[Floats, Floats]:
    """The pitch, Hz, and the power of each HOP of the recording."""
    hop = round(HOP * recording.rate)
    pitch, level = [np.zeros(0)], [np.zeros(0)]
    for start in range(0, recording.frames, 1000 * hop):
        if stop():
            raise Stopped
        samples = recording.read(start, 1000 * hop)[:, 0]
        count = -(-len(samples) // hop)
        padded = np.pad(samples.astype(np.float64), (0, count * hop - len(samples))).reshape(-1, hop)
        level.append(np.mean(padded**2, axis=1))
        pitch.append(np.resize(track(samples, recording.rate), count))
    return np.concatenate(pitch), np.concatenate(level)


def _ratios(pitch: Floats, prosody: Prosody) -> Floats:
    """New pitch over old, 1 where there is none."""
    mean = mean_pitch(pitch)
    away = np.where(pitch > 0, np.log(np.maximum(pitch, 1) / max(mean, 1)), 0)
    ratio = np.exp(prosody.semitones * np.log(2) / 12 + (prosody.spread - 1) * away)
    return np.where(pitch > 0, np.clip(ratio, 1 / FURTHEST, FURTHEST), 1)


def _speeds(recording: Recording, count: int, prosody: Prosody) -> Floats:
    """How fast each HOP is played: pauses are given another length than speech."""
    speed = np.full(count, prosody.tempo / prosody.pauses)
    for start, end in measure(recording).speech:
        hops = (round(frame / recording.rate / HOP) for frame in (start, end))
        speed[slice(*hops)] = prosody.tempo
    return speed


def _blocks(level: Floats) -> Iterator[tuple[int, int]]:
    """First HOP of each block, and the first one after it."""
    first, most = 0, round(BLOCK / HOP)
    while first < len(level):
        last = first + most
        if last >= len(level):
            last = len(level)
        else:
            quarter = first + 3 * most // 4
            last = quarter + 1 + int(np.argmin(level[quarter:last]))
        yield first, last
        first = last


def _psola(
    samples: Floats, margin: int, rate: int, pitch: Floats, ratio: Floats, times: Floats, count: int
) -> NDArray[np.float32]:
    """Lay the grains of a block out anew.

    Args:
        samples: (n,), with `margin` samples on either side that belong to its neighbours.
        rate: Hertz.
        pitch: of each HOP, Hz; 0: none.
        ratio: new pitch over old, of each HOP.
        times: where each HOP, and the end, comes to be, in samples of the result.
        count: samples of the result.
    """
    hop = HOP * rate
    marks, periods = _marks(samples, margin, rate, pitch)
    made, weight = np.zeros(count + 2 * margin), np.zeros(count + 2 * margin)
    edges, at, mark = np.arange(len(times)) * hop, 0.0, 0
    while at < count and len(marks):
        source = float(np.interp(at, times, edges))
        while mark + 1 < len(marks) and abs(marks[mark + 1] - source) <= abs(marks[mark] - source):
            mark += 1
        period, here = int(periods[mark]), round(at)
        window = _hann(period)
        begin = margin + int(marks[mark]) - period
        made[margin + here - period : margin + here + period] += samples[begin : begin + 2 * period] * window
        weight[margin + here - period : margin + here + period] += window
        at += period / float(ratio[min(int(source / hop), len(ratio) - 1)])
    inner = slice(margin, margin + count)
    return (made[inner] / np.maximum(weight[inner], 1)).astype(np.float32)[:, None]


def _marks(samples: Floats, margin: int, rate: int, pitch: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each grain is centred, without the margin, and its period, in samples: at the peaks of voiced periods."""
    size, hop, plain = len(samples) - 2 * margin, HOP * rate, round(UNVOICED * rate)
    marks, periods, at = list[int](), list[int](), 0
    while at < size:
        hertz = pitch[min(int(at / hop), len(pitch) - 1)]
        period = min(round(rate / hertz), margin) if hertz else plain
        if hertz:
            reach = max(1, int(NEAR * period))
            around = samples[max(0, margin + at - reach) : margin + at + reach + 1]
            at = max(at + int(np.argmax(around)) - min(reach, margin + at), marks[-1] + 1 if marks else 0)
        marks.append(min(at, size))
        periods.append(period)
        at += period
    return np.array(marks, np.int64), np.array(periods, np.int64)


@lru_cache(maxsize=2048)
def _hann(period: int) -> Floats:
    return np.hanning(2 * period + 1)[:-1]
