"""The built graphs one after the other, by whichever library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ttsai_server.engines.base import Cancellation
from ttsai_server.engines.kokoro.graph import PARTS
from ttsai_server.engines.kokoro.runtime import Runtime, Speech, Step

Arrays = Mapping[str, NDArray[Any]]


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
            known |= self._parts[name].run({value: known[value] for value in taken}, cancellation)
        return Speech(known["waveform"], known["duration"].reshape(-1))

    def close(self) -> None:
        for part in self._parts.values():
            part.close()
