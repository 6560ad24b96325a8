"""The built graphs one after the other, by whichever library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ttsai_server.engines.base import Cancellation
from ttsai_server.engines.kokoro.graph import DECODER, PARTS
from ttsai_server.engines.kokoro.runtime import Runtime, Speech, Step

Arrays = Mapping[str, NDArray[Any]]
GRIDS = {0: 8, 128: 16, 256: 24}
"""Frames from which on → what the decoder's frames are a multiple of. For each number of them it prepares kernels."""
LEAD = 5
"""Frames of silence at the start that are left at least: in the last three a sound may set in."""
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
    """See Runtime; of `parts`, each under its name in `PARTS`."""

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self._parts = parts

    def speak(self, step: Step, cancellation: Cancellation) -> Speech:
        known: dict[str, NDArray[Any]] = {"input_ids": step.ids, "style": step.style}
        known["speed"] = np.array([step.speed], np.float32)
        for name, taken in PARTS.items():
            if name == DECODER:
                known |= _on_grid(known)
            known |= self._parts[name].run({value: known[value] for value in taken}, cancellation)
        return Speech(known["waveform"], known["duration"].reshape(-1))

    def close(self) -> None:
        for part in self._parts.values():
            part.close()


def _on_grid(known: Arrays) -> Arrays:
    """The decoder's inputs, and the durations, with as much more or less silence at the start as GRIDS ask for.

    That silence is cut off in the end. Nothing is told of it to prosody: the same pitch is said in the same time. As
    the decoder norms over all of a step, a sixteenth more or less silence makes the speech half a decibel louder or
    softer.
    """
    duration = known["duration"].copy()
    frames, lead = int(duration.sum()), int(duration[0, 0])
    grid = GRIDS[max(least for least in GRIDS if least <= frames)]
    excess = frames % grid
    less = excess if excess <= min(grid // 2, max(0, lead - LEAD)) else excess - grid
    duration[0, 0] -= less
    return {name: _later(known[name], less * rate) for name, rate in PER_FRAME.items()} | {"duration": duration}


def _later(values: NDArray[Any], count: int) -> NDArray[Any]:
    """From the number `count` of the last axis on; if that is before the first, with the first so much more often."""
    if count >= 0:
        return np.ascontiguousarray(values[..., count:])
    return np.pad(values, [(0, 0)] * (values.ndim - 1) + [(-count, 0)], mode="edge")
