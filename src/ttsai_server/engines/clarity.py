"""Clearer speech, by FFmpeg's filters: equaliser, de-esser, compressor, then loudness after EBU R 128.

Three passes: how loud the recording is (ITU-R BS.1770-4); how loud once it is shaped at a known level, by which the
de-esser and the compressor go; then with gain and limiter, onto disk. On the way back from the limiter's rate peaks may
grow: by as much all is lowered at the end.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from math import log10

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.filters import Filter, Filters
from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, EnhancementRequest, ModelCard
from ttsai_server.engines.base import Cancellation, Cancelled, Enhancer, LoadContext

Array = NDArray[np.float32]
STRETCH = 10
"""Seconds of one step."""
LOUDNESS, CEILING = -16.0, -1.0
"""What is aimed at, LUFS, and the true peak that is not exceeded, dBTP."""
SHAPED = -20.0
"""LUFS at which speech is shaped."""
LIMITED = 8.0
"""What the limiter may take off the peaks, dB: more would be heard, so that the recording rather stays softer."""
RAISED = 30.0
"""LU that are added at most: a recording with nothing but the noise of a room stays one."""
SILENT = -70.0
"""LUFS that the meter shows where nothing is loud and long enough (.4 s) to be measured."""
OVERSAMPLED = 4
"""Peaks between the samples are those of a rate so many times higher (BS.1770-4, annex 2)."""
SHORTEST = 64
"""Samples that FFmpeg's resampler needs to give any."""
METER: Filter = ("ebur128", {"metadata": 1, "peak": "true"})


class Clarity(Enhancer):
    """Speech that is easy to follow, at -16 LUFS, of 1 to 8 channels, which are compressed and raised together.

    `strength` s: 300 Hz are lowered by 3 s dB, 3.5 kHz raised by 4 s dB, loud parts compressed 1 + s to 1, esses
    lowered at .2 + .2 s of the de-esser's intensity; below 80 Hz all goes. A recording that needs more than 8 dB of
    limiting to be at -16 LUFS, or was softer than -46 LUFS, stays softer; one of silence, or shorter than .4 s, gets no
    gain.
    """

    native = False

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Clarity:
        return cls()

    def enhance(
        self, recording: Recording, request: EnhancementRequest, cancellation: Cancellation
    ) -> Generator[Audio]:
        """What it yields during the passes is empty."""
        chain = list(_tone(request.strength))
        heard = _meter(recording, chain)
        yield from _passed(recording, heard, cancellation)
        loudness = _loudness(heard)
        chain += [_volume(_gain(loudness, SHAPED)), *_dynamics(request.strength)]
        shaped = _meter(recording, chain)
        yield from _passed(recording, shaped, cancellation)
        gain = _gain(_loudness(shaped), min(LOUDNESS, loudness + RAISED))
        gain -= max(0.0, _peak(shaped) + gain - CEILING - LIMITED)
        limited = _meter(recording, [*chain, _volume(gain), *_limiter(recording.rate)])
        with Recording(recording.rate, recording.channels) as made:
            yield from _passed(recording, limited, cancellation, made)
            share = np.float32(min(1.0, 10 ** ((CEILING - _peak(limited)) / 20)))
            for samples in _stretches(made, recording.frames, cancellation):
                yield Audio(np.clip(share * samples, -1, 1), recording.rate)

    def close(self) -> None:
        """There is nothing to free."""


def _meter(recording: Recording, chain: Sequence[Filter]) -> Filters:
    """The chain, and a meter at its end."""
    return Filters(recording.rate, recording.channels, [*chain, METER])


def _passed(
    recording: Recording, filters: Filters, cancellation: Cancellation, made: Recording | None = None
) -> Iterator[Audio]:
    """All of the recording through the filters, and on to `made` if there is one; each step yields empty sound."""
    for samples in _stretches(recording, recording.frames, cancellation):
        ready = filters.push(samples)
        if made:
            made.append(ready)
        yield Audio(ready[:0], recording.rate)
    rest = filters.finish()
    if made:
        made.append(rest)


def _stretches(recording: Recording, frames: int, cancellation: Cancellation) -> Iterator[Array]:
    """The first `frames` of the recording, a step's worth at a time."""
    longest = STRETCH * recording.rate
    for start in range(0, frames, longest):
        if cancellation.cancelled:
            raise Cancelled
        yield recording.read(start, min(longest, frames - start))


def _tone(strength: float) -> Sequence[Filter]:
    """Less rumble and mud, more presence."""
    return [
        ("highpass", {"f": 80}),
        ("equalizer", {"f": 300, "t": "q", "w": 1, "g": -3 * strength}),
        ("equalizer", {"f": 3500, "t": "q", "w": 0.8, "g": 4 * strength}),
    ]


def _dynamics(strength: float) -> Sequence[Filter]:
    """For speech at `SHAPED`: its loud syllables are about 10 dB above the threshold."""
    return [
        ("deesser", {"i": 0.2 + 0.2 * strength}),
        ("acompressor", {"threshold": 10 ** (-24 / 20), "ratio": 1 + strength, "attack": 5, "release": 150, "knee": 4}),
    ]


def _limiter(rate: int) -> Sequence[Filter]:
    limit = 10 ** (CEILING / 20)
    return [
        ("apad", {"whole_len": SHORTEST}),
        ("aresample", {"sample_rate": OVERSAMPLED * rate}),
        ("alimiter", {"limit": limit, "level": 0, "attack": 5, "release": 50, "latency": 1}),
        ("aresample", {"sample_rate": rate}),
    ]


def _volume(decibels: float) -> Filter:
    return ("volume", {"volume": f"{decibels}dB", "precision": "float"})


def _gain(loudness: float, wanted: float) -> float:
    """dB to add."""
    return wanted - loudness if loudness > SILENT else 0.0


def _loudness(meter: Filters) -> float:
    """LUFS."""
    return float(meter.metadata.get("lavfi.r128.I", SILENT))


def _peak(meter: Filters) -> float:
    """dBTP."""
    return 20 * log10(max(1e-6, float(meter.metadata.get("lavfi.r128.true_peak", 0))))
