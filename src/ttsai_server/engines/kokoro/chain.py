"""Runs the three graphs one after the other, independently of the library that runs each."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ttsai_server.engines.base import Cancellation
from ttsai_server.engines.kokoro.backend import InferenceBackend, ModelOutput, PhonemeChunk
from ttsai_server.engines.kokoro.graph import DECODER, ENCODER, PARTS, PROSODY
from ttsai_server.engines.kokoro.windows import Window, on_grid, windows
from ttsai_server.engines.shared.word_clock import between

Arrays = Mapping[str, NDArray[Any]]
FAINT = -3.0
"""Frames of lower energy, as predicted by prosody, are at least 46 dB below the peak: silence, at the ends."""
EDGE = 4
"""Frames of silence kept at either end, if there are as many."""
FRAME = 600
"""Samples per frame."""
PER_FRAME = {"asr": 1, "f0": 2, "energy": 2, "harmonics": 120}
"""The decoder's inputs over time → values per frame."""


class Part(Protocol):
    """One of the graphs, loaded."""

    def run(self, inputs: Arrays, cancellation: Cancellation) -> Arrays:
        """Run it: inputs by name → outputs by name."""
        ...

    def close(self) -> None:
        """Free it. Idempotent."""
        ...


class Chain(InferenceBackend):
    """See InferenceBackend.

    The decoder does not decode most of the silence at the ends, a tenth of its work, which would be trimmed later
    anyway. Its norms include that silence all the same, so loudness does not change; nor do pitch and timing, as
    prosody is computed with the silence.
    """

    def __init__(self, parts: Mapping[str, Part]) -> None:
        """parts: a graph for each name in `PARTS`."""
        self._parts = parts

    def speak(self, chunk: PhonemeChunk, cancellation: Cancellation) -> ModelOutput:
        known = self._with_prosody(chunk, cancellation)
        return self._at_once(known, *_audible(known["energy"]), cancellation)

    def stream(self, chunk: PhonemeChunk, cancellation: Cancellation) -> Generator[ModelOutput]:
        known = self._with_prosody(chunk, cancellation)
        begin, end = _audible(known["energy"])
        parts = windows(known["asr"], known["energy"], begin, end)
        if not parts:
            yield self._at_once(known, begin, end, cancellation)
        held = np.zeros(0, np.float32)
        for part in parts:
            waveform = _joined(held, self._window(known, part, cancellation))
            end = part.end if part.last else part.end - 1
            ready = FRAME * (end - part.begin)
            frames = between(known["duration"].reshape(-1), part.begin, end)
            waveform, held = waveform[:ready], waveform[ready:]
            yield ModelOutput(waveform, frames, last=part.last)

    def _with_prosody(self, chunk: PhonemeChunk, cancellation: Cancellation) -> dict[str, NDArray[Any]]:
        """All inputs of the decoder, for the whole chunk."""
        known: dict[str, NDArray[Any]] = {"input_ids": chunk.ids, "style": chunk.style}
        known["speed"] = np.array([chunk.speed], np.float32)
        for name in (ENCODER, PROSODY):
            known |= self._run(name, known, cancellation)
        return known

    def _at_once(self, known: Arrays, begin: int, end: int, cancellation: Cancellation) -> ModelOutput:
        frames = known["asr"].shape[-1]
        given = {name: _part(known[name], begin * rate, (end - frames) * rate) for name, rate in PER_FRAME.items()}
        waveform = self._decode(known, given, 1 - (end - max(0, begin)) / frames, cancellation)
        return ModelOutput(waveform, between(known["duration"].reshape(-1), begin, end))

    def _window(self, known: Arrays, window: Window, cancellation: Cancellation) -> NDArray[np.float32]:
        given = {name: _frames(known[name], window.given, rate) for name, rate in PER_FRAME.items()}
        waveform = self._decode(known, given, window.silence, cancellation)
        return waveform[FRAME * window.skip :][: FRAME * (window.end - window.begin)]

    def _decode(self, known: Arrays, given: Arrays, silence: float, cancellation: Cancellation) -> NDArray[np.float32]:
        """silence: share of silence that the norms include in addition to `given`."""
        shares = np.array([1 - silence, silence], np.float32)
        return self._run(DECODER, {**known, **given, "shares": shares}, cancellation)["waveform"]

    def _run(self, name: str, known: Arrays, cancellation: Cancellation) -> Arrays:
        return self._parts[name].run({value: known[value] for value in PARTS[name]}, cancellation)

    def close(self) -> None:
        for part in self._parts.values():
            part.close()


def _audible(energy: NDArray[np.float32]) -> tuple[int, int]:
    """Begin and end of the frames with speech and EDGE frames around it; their number is one allowed by `on_grid`.

    energy: (1, 2 t). The begin is negative if the grid requires more frames than there are.
    """
    frames = energy.shape[-1] // 2
    loud = np.flatnonzero(energy.reshape(-1, 2).max(axis=1) > FAINT)
    first, last = (int(loud[0]), int(loud[-1]) + 1) if len(loud) else (0, frames)
    least = last - first + 2 * EDGE
    count = on_grid(least)
    end = min(frames, max(count, last + EDGE + (count - least) // 2))
    return end - count, end


def _part(values: NDArray[Any], begin: int, less: int) -> NDArray[Any]:
    """Slice the last axis: from `begin` (if negative, the first value is repeated) to its length plus `less`, <= 0."""
    padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(max(0, -begin), 0)], mode="edge")
    return np.ascontiguousarray(padded[..., max(0, begin) : padded.shape[-1] + less])


def _frames(values: NDArray[Any], frames: NDArray[np.intp], rate: int) -> NDArray[Any]:
    """Select frames along the last axis, which has `rate` values per frame, and one extra value at its end or none."""
    at = (frames.clip(0)[:, None] * rate + np.arange(rate)).reshape(-1)
    return np.ascontiguousarray(values[..., np.append(at, at[-1] + 1) if values.shape[-1] % rate else at])


def _joined(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cross-fade from `before` to `after`, whose beginning is the same stretch of sound."""
    count, joined = len(before), after.copy()
    joined[:count] += np.linspace(1, 0, count, dtype=np.float32) * (before - after[:count])
    return joined
