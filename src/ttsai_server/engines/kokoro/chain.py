"""The built graphs one after the other, by whichever library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ttsai_server.engines.base import Cancellation
from ttsai_server.engines.kokoro.graph import DECODER, ENCODER, PARTS, PROSODY
from ttsai_server.engines.kokoro.runtime import Runtime, Speech, Step

Arrays = Mapping[str, NDArray[Any]]
FAINT = -3.0
"""Energy, as prosody tells the decoder to make it, of what is at least 46 dB below the peak: at the ends, silence."""
EDGE = 4
"""Frames of silence that are kept at either end, if there are so many."""
GRIDS = {0: 8, 128: 16}
"""Frames from which on → what the decoder's frames are a multiple of. For each number of them it prepares kernels."""
PER_FRAME = {"asr": 1, "f0": 2, "energy": 2, "harmonics": 120}
"""What the decoder takes that grows with time, and by how much."""


class Part(Protocol):
    """One of the graphs, loaded."""

    def run(self, inputs: Arrays, cancellation: Cancellation) -> Arrays:
        """What it makes, by name."""
        ...

    def close(self) -> None:
        """Free it. Idempotent."""
        ...


class Chain(Runtime):
    """See Runtime; of `parts`, each under its name in `PARTS`.

    The decoder is spared most of the silence at the ends, a tenth of its work, which is cut off in the end anyway. Its
    norms count that silence all the same, so that speech is as loud as with it; and prosody is not told: the same
    pitch is said in the same time.
    """

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self._parts = parts

    def speak(self, step: Step, cancellation: Cancellation) -> Speech:
        known: dict[str, NDArray[Any]] = {"input_ids": step.ids, "style": step.style}
        known["speed"] = np.array([step.speed], np.float32)
        for name in (ENCODER, PROSODY):
            known |= self._run(name, known, cancellation)
        begin, end = _heard(known["energy"])
        frames = known["asr"].shape[-1]
        given = (end - max(0, begin)) / frames
        known |= {name: _part(known[name], begin * rate, (end - frames) * rate) for name, rate in PER_FRAME.items()}
        known["shares"] = np.array([given, 1 - given], np.float32)
        waveform = self._run(DECODER, known, cancellation)["waveform"]
        return Speech(waveform, _between(known["duration"].reshape(-1), begin, end))

    def _run(self, name: str, known: Arrays, cancellation: Cancellation) -> Arrays:
        return self._parts[name].run({value: known[value] for value in PARTS[name]}, cancellation)

    def close(self) -> None:
        for part in self._parts.values():
            part.close()


def _heard(energy: NDArray[np.float32]) -> tuple[int, int]:
    """Of energy, (1, 2 t): from which frame to which there is speech, with EDGE frames beside it, as GRIDS ask for.

    The first is negative where the grid asks for more frames than there are.
    """
    frames = energy.shape[-1] // 2
    loud = np.flatnonzero(energy.reshape(-1, 2).max(axis=1) > FAINT)
    first, last = (int(loud[0]), int(loud[-1]) + 1) if len(loud) else (0, frames)
    least = last - first + 2 * EDGE
    grid = GRIDS[max(bound for bound in GRIDS if bound <= least)]
    count = -(-least // grid) * grid
    end = min(frames, max(count, last + EDGE + (count - least) // 2))
    return end - count, end


def _part(values: NDArray[Any], begin: int, less: int) -> NDArray[Any]:
    """Of the last axis, from `begin`, or as often the first if negative, and without the last -`less`."""
    padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(max(0, -begin), 0)], mode="edge")
    return np.ascontiguousarray(padded[..., max(0, begin) : padded.shape[-1] + less])


def _between(durations: NDArray[np.float32], begin: int, end: int) -> NDArray[np.float32]:
    """What is left of each; the first lasts from `begin` on, if that is negative."""
    bounds = np.concatenate([[min(0, begin)], np.cumsum(durations)])
    return np.diff(np.clip(bounds, begin, end)).astype(np.float32)
