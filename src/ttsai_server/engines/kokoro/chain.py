"""The built graphs one after the other, by whichever library."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ttsai_server.engines.base import Cancellation
from ttsai_server.engines.kokoro.graph import DECODER, ENCODER, PARTS, PROSODY
from ttsai_server.engines.kokoro.runtime import Runtime, Speech, Step
from ttsai_server.engines.kokoro.windows import Window, on_grid, windows

Arrays = Mapping[str, NDArray[Any]]
FAINT = -3.0
"""Energy, as prosody tells the decoder to make it, of what is at least 46 dB below the peak: at the ends, silence."""
EDGE = 4
"""Frames of silence that are kept at either end, if there are so many."""
FRAME = 600
"""Samples a frame."""
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
        known = self._with_prosody(step, cancellation)
        return self._at_once(known, *_heard(known["energy"]), cancellation)

    def stream(self, step: Step, cancellation: Cancellation) -> Generator[Speech]:
        known = self._with_prosody(step, cancellation)
        begin, end = _heard(known["energy"])
        parts = windows(known["asr"], known["energy"], begin, end)
        if not parts:
            yield self._at_once(known, begin, end, cancellation)
        held = np.zeros(0, np.float32)
        for part in parts:
            waveform = _joined(held, self._window(known, part, cancellation))
            end = part.end if part.last else part.end - 1
            ready = FRAME * (end - part.begin)
            frames = _between(known["duration"].reshape(-1), part.begin, end)
            waveform, held = waveform[:ready], waveform[ready:]
            yield Speech(waveform, frames, last=part.last)

    def _with_prosody(self, step: Step, cancellation: Cancellation) -> dict[str, NDArray[Any]]:
        """All that the decoder takes, for the whole step."""
        known: dict[str, NDArray[Any]] = {"input_ids": step.ids, "style": step.style}
        known["speed"] = np.array([step.speed], np.float32)
        for name in (ENCODER, PROSODY):
            known |= self._run(name, known, cancellation)
        return known

    def _at_once(self, known: Arrays, begin: int, end: int, cancellation: Cancellation) -> Speech:
        frames = known["asr"].shape[-1]
        given = {name: _part(known[name], begin * rate, (end - frames) * rate) for name, rate in PER_FRAME.items()}
        waveform = self._decode(known, given, 1 - (end - max(0, begin)) / frames, cancellation)
        return Speech(waveform, _between(known["duration"].reshape(-1), begin, end))

    def _window(self, known: Arrays, window: Window, cancellation: Cancellation) -> NDArray[np.float32]:
        given = {name: _frames(known[name], window.given, rate) for name, rate in PER_FRAME.items()}
        waveform = self._decode(known, given, window.silence, cancellation)
        return waveform[FRAME * window.skip :][: FRAME * (window.end - window.begin)]

    def _decode(self, known: Arrays, given: Arrays, silence: float, cancellation: Cancellation) -> NDArray[np.float32]:
        """silence: share of it that the norms count beside what is given."""
        shares = np.array([1 - silence, silence], np.float32)
        return self._run(DECODER, {**known, **given, "shares": shares}, cancellation)["waveform"]

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
    count = on_grid(least)
    end = min(frames, max(count, last + EDGE + (count - least) // 2))
    return end - count, end


def _part(values: NDArray[Any], begin: int, less: int) -> NDArray[Any]:
    """Of the last axis, from `begin`, or as often the first if negative, and without the last -`less`."""
    padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(max(0, -begin), 0)], mode="edge")
    return np.ascontiguousarray(padded[..., max(0, begin) : padded.shape[-1] + less])


def _frames(values: NDArray[Any], frames: NDArray[np.intp], rate: int) -> NDArray[Any]:
    """Of the last axis, `rate` numbers a frame, those of the given frames, and one more where there is one in all."""
    at = (frames.clip(0)[:, None] * rate + np.arange(rate)).reshape(-1)
    return np.ascontiguousarray(values[..., np.append(at, at[-1] + 1) if values.shape[-1] % rate else at])


def _joined(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
    """`after`, faded over into from `before`, which is the same stretch as its beginning."""
    count, joined = len(before), after.copy()
    joined[:count] += np.linspace(1, 0, count, dtype=np.float32) * (before - after[:count])
    return joined


def _between(durations: NDArray[np.float32], begin: int, end: int) -> NDArray[np.float32]:
    """What is left of each; the first lasts from `begin` on, if that is negative."""
    bounds = np.concatenate([[min(0, begin)], np.cumsum(durations)])
    return np.diff(np.clip(bounds, begin, end)).astype(np.float32)
