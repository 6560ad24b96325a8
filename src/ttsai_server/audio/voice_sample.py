"""Recordings that a voice is to be made from: where the speech is, and how good it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording

FRAME = 0.02
"""Seconds whose RMS is measured at a time."""
_BELOW = 35.0
"""A frame this much below the loud ones, dB, is no speech."""
_ABOVE = 6.0
"""Nor is one less than this above the noise, dB."""
_LOUD, _FLOOR = 95, 5
"""Percentiles of the frames' levels: of loud speech, and of the noise between words."""
_GAP = 0.4
"""Seconds: shorter pauses belong to the speech around them."""
_CLICK = 0.1
"""Seconds: anything shorter is no speech."""
_MARGIN = 0.1
"""Seconds kept before and after speech: consonants start and fade there."""
_FULL_SCALE = 0.985
"""Samples beyond count as clipped."""
_SILENT = -90.0
"""The lowest level, dBFS."""

Span = tuple[int, int]
"""First frame of a recording, and the first one after it."""


@dataclass(frozen=True, slots=True)
class VoiceSample:
    """What was measured of a recording."""

    speech: tuple[Span, ...]
    """Where somebody speaks, in order, in frames of the recording."""
    seconds: float
    """Length of the speech."""
    level: float
    """RMS of the speech, dBFS."""
    above_noise: float
    """Level of loud speech above the noise between words, dB."""
    clipped: float
    """Share of the speech's samples that are at full scale."""


def measure(recording: Recording) -> VoiceSample:
    """Measure a mono recording of any length; blocking."""
    frame = round(FRAME * recording.rate)
    power, full = _frames(recording, frame)
    level = np.maximum(10 * np.log10(np.maximum(power, 1e-12)), _SILENT)
    loud, floor = (float(np.percentile(level, share)) if len(level) else _SILENT for share in (_LOUD, _FLOOR))
    spoken = _closed(level > max(loud - _BELOW, min(floor + _ABOVE, loud - 10), _SILENT))
    runs = [run for run in _runs(spoken) if run[1] - run[0] >= _CLICK / FRAME]
    inside = np.zeros(len(level), bool)
    for start, end in runs:
        inside[start:end] = True
    count = int(inside.sum())
    return VoiceSample(
        speech=tuple((start * frame, min(end * frame, recording.frames)) for start, end in _widened(runs, len(level))),
        seconds=count * FRAME,
        level=float(10 * np.log10(max(float(power[inside].mean()), 1e-12))) if count else _SILENT,
        above_noise=loud - floor,
        clipped=float(full[inside].mean()) if count else 0.0,
    )


def speech_of(recording: Recording, speech: Sequence[Span], most: float) -> Recording:
    """The first `most` seconds of the speech, without the silence around it; for the caller to close. Blocking."""
    left, kept = round(most * recording.rate), recording.empty()
    for start, end in speech:
        kept.append(recording.read(start, min(end - start, left)))
        left -= min(end - start, left)
    return kept


def _frames(recording: Recording, frame: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(mean power, share of samples at full scale) of each frame."""
    power, full = [np.zeros(0)], [np.zeros(0)]
    for start in range(0, recording.frames, 1000 * frame):
        samples = recording.read(start, 1000 * frame)[:, 0]
        cut = np.pad(samples, (0, -len(samples) % frame)).reshape(-1, frame).astype(np.float64)
        power.append(np.mean(cut**2, axis=1))
        full.append(np.mean(np.abs(cut) >= _FULL_SCALE, axis=1))
    return np.concatenate(power), np.concatenate(full)


def _runs(true: NDArray[np.bool_]) -> list[Span]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], true, [False]])))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def _closed(spoken: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """With the short pauses inside speech."""
    closed = spoken.copy()
    for start, end in _runs(~spoken):
        if start and end < len(spoken) and end - start < _GAP / FRAME:
            closed[start:end] = True
    return closed


def _widened(runs: Sequence[Span], count: int) -> list[Span]:
    """The runs with a margin on either side, joined where they touch."""
    margin, wide = round(_MARGIN / FRAME), np.zeros(count, bool)
    for start, end in runs:
        wide[max(0, start - margin) : end + margin] = True
    return _runs(wide)
