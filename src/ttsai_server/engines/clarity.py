"""Makes speech clearer with FFmpeg's filters: equaliser, de-esser, compressor, loudness normalisation (EBU R 128).

Three passes: the first measures the loudness (ITU-R BS.1770-4); the second measures it after equaliser, de-esser and
compressor, which need a known input level; the third applies gain and limiter, and writes the result to disk. When the
limiter's oversampled output is converted back, peaks may grow: finally everything is lowered by as much.
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
"""Seconds per step."""
LOUDNESS, CEILING = -16.0, -1.0
"""Target loudness, LUFS, and highest true peak, dBTP."""
SHAPED = -20.0
"""Loudness of the input of de-esser and compressor, LUFS."""
LIMITED = 8.0
"""Most that the limiter may lower the peaks, dB: more would be audible, so the recording stays softer instead."""
RAISED = 30.0
"""Most gain, LU, so that mere room noise does not become loud."""
SILENT = -70.0
"""LUFS that the meter shows if nothing is loud and long enough (.4 s) to be measured."""
OVERSAMPLED = 4
"""Oversampling factor for true peaks (BS.1770-4, annex 2)."""
SHORTEST = 64
"""Least samples that FFmpeg's resampler needs to produce output."""
METER: Filter = ("ebur128", {"metadata": 1, "peak": "true"})


class Clarity(Enhancer):
    """Makes speech easy to understand, at -16 LUFS; 1 to 8 channels, which get the same gain.

    `strength` s: cuts 300 Hz by 3 s dB, boosts 3.5 kHz by 4 s dB, compresses loud parts by 1 + s to 1, de-esses at an
    intensity of .2 + .2 s, and removes everything below 80 Hz. A recording that would need more than 8 dB of limiting
    to reach -16 LUFS, or is softer than -46 LUFS, stays softer; silence, or less than .4 s, gets no gain.
    """

    native = False

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Clarity:
        return cls()

    def enhance(
        self, recording: Recording, request: EnhancementRequest, cancellation: Cancellation
    ) -> Generator[Audio]:
        """Yields empty sound during the passes, then the result."""
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
        with Recording(recording.rate, recording.channels) as result:
            yield from _passed(recording, limited, cancellation, result)
            share = np.float32(min(1.0, 10 ** ((CEILING - _peak(limited)) / 20)))
            for samples in _stretches(result, recording.frames, cancellation):
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
    """The first `frames` frames of the recording, step by step."""
    longest = STRETCH * recording.rate
    for start in range(0, frames, longest):
        if cancellation.cancelled:
            raise Cancelled
        yield recording.read(start, min(longest, frames - start))


def _tone(strength: float) -> Sequence[Filter]:
    """Filters that remove rumble, cut muddiness (300 Hz) and boost presence (3.5 kHz)."""
    return [
        ("highpass", {"f": 80}),
        ("equalizer", {"f": 300, "t": "q", "w": 1, "g": -3 * strength}),
        ("equalizer", {"f": 3500, "t": "q", "w": 0.8, "g": 4 * strength}),
    ]


def _dynamics(strength: float) -> Sequence[Filter]:
    """De-esser and compressor for speech at `SHAPED`, whose loud syllables are about 10 dB above the threshold."""
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
