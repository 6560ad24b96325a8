"""Clearer speech, by FFmpeg's filters: equaliser, de-esser, compressor, then loudness after EBU R 128.

Three passes: how loud the recording is (ITU-R BS.1770-4); shaping at a known level, for the de-esser and the
compressor go by it, onto disk; gain and limiter.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from math import log10

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.filters import Filter, Filters
from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, EnhancementRequest, ModelCard
from ttsai_server.engines.base import Cancellation, Cancelled, Enhancer, Place

Array = NDArray[np.float32]
STRETCH = 10
"""Seconds of one step."""
LOUDNESS, CEILING = -16.0, -1.0
"""What is aimed at, LUFS, and the true peak that is not exceeded, dBTP."""
SHAPED = -20.0
"""LUFS at which speech is shaped."""
LIMITED = 6.0
"""What the limiter may take off the peaks, dB: more would be heard, so that the recording rather stays softer."""
RAISED = 30.0
"""What is added at most, dB: a recording with nothing but the noise of a room stays one."""
SILENT = -70.0
"""LUFS that the meter shows where nothing is loud and long enough (.4 s) to be measured."""
OVERSAMPLED = 4
"""Peaks between the samples are those of a rate so many times higher (BS.1770-4, annex 2)."""
MARGIN = 0.2
"""dB that the way back from that rate may add."""
SHORTEST = 64
"""Samples that FFmpeg's resampler needs to give any."""
METER: Filter = ("ebur128", {"metadata": 1, "peak": "true"})


class Clarity(Enhancer):
    """Speech that is easy to follow, at -16 LUFS, of 1 to 8 channels, which are compressed and raised together.

    `strength` s: 300 Hz are lowered by 3 s dB, 3.5 kHz raised by 4 s dB, loud parts compressed 1 + s to 1, esses
    lowered at .2 + .2 s of the de-esser's intensity; below 80 Hz all goes. Of a recording that needed more than 6 dB of
    limiting, or more than 30 dB of gain, to be at -16 LUFS, it does so much and no more; one of silence, or shorter
    than .4 s, gets no gain.
    """

    @classmethod
    def load(cls, card: ModelCard, place: Place) -> Clarity:
        return cls()

    def enhance(
        self, recording: Recording, request: EnhancementRequest, cancellation: Cancellation
    ) -> Generator[Audio]:
        """What it yields during the first two passes is empty."""
        rate, channels = recording.rate, recording.channels
        nothing = Audio(np.zeros((0, channels), np.float32), rate)
        tone = _tone(request.strength)
        heard = Filters(rate, channels, [*tone, METER])
        for _ in _passed(recording, heard, cancellation):
            yield nothing
        raised = _raised(_loudness(heard), SHAPED, RAISED)
        shaping = Filters(rate, channels, [*tone, _volume(raised), *_dynamics(request.strength), METER])
        with Recording(rate, channels) as shaped:
            for samples in _passed(recording, shaping, cancellation):
                shaped.append(samples)
                yield nothing
            gain = _raised(_loudness(shaping), LOUDNESS, RAISED - raised)
            gain -= max(0.0, _peak(shaping) + gain - CEILING - LIMITED)
            limiting = Filters(rate, channels, [_volume(gain), *_limiter(rate)])
            for samples in _passed(shaped, limiting, cancellation):
                yield Audio(np.clip(samples[: recording.frames], -1, 1), rate)

    def close(self) -> None:
        """There is nothing to free."""


def _passed(recording: Recording, filters: Filters, cancellation: Cancellation) -> Iterator[Array]:
    """All of the recording through the filters, a step at a time."""
    for start in range(0, recording.frames, STRETCH * recording.rate):
        if cancellation.cancelled:
            raise Cancelled
        yield filters.push(recording.read(start, STRETCH * recording.rate))
    yield filters.finish()


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
    limit = 10 ** ((CEILING - MARGIN) / 20)
    return [
        ("apad", {"whole_len": SHORTEST}),
        ("aresample", {"sample_rate": OVERSAMPLED * rate}),
        ("alimiter", {"limit": limit, "level": 0, "attack": 5, "release": 50, "latency": 1}),
    ]


def _volume(decibels: float) -> Filter:
    return ("volume", {"volume": f"{decibels}dB", "precision": "float"})


def _raised(loudness: float, wanted: float, most: float) -> float:
    """dB to add."""
    return min(wanted - loudness, most) if loudness > SILENT else 0.0


def _loudness(meter: Filters) -> float:
    """LUFS."""
    return float(meter.metadata.get("lavfi.r128.I", SILENT))


def _peak(meter: Filters) -> float:
    """dBTP."""
    return 20 * log10(max(1e-6, float(meter.metadata.get("lavfi.r128.true_peak", 0))))
