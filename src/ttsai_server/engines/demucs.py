"""Hybrid Transformer Demucs (Rouard et al. 2023) in PyTorch, by its author's package `demucs`.

The same result as `demucs.apply.apply_model(split=True, overlap=.25, shifts=0)` for a whole recording, normalised as in
`demucs.api`, but computed segment by segment.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path
from typing import Any, cast
from zipfile import is_zipfile

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import ModelCard, Stems
from ttsai_server.engines.base import Cancellation, Cancelled, LoadContext, Separator
from ttsai_server.engines.shared.pytorch import Interruptible, free_device, prepare_device
from ttsai_server.errors import EngineFailed, WeightsMissing

Samples = NDArray[np.float32]
CHECKPOINT = "checkpoint"
"""The author's safetensors, or the pickle published before them; detected by content."""
MODEL = "demucs.htdemucs.HTDemucs"
OVERLAP = 0.25
"""Share of a segment that overlaps the next."""
BLOCK = 1 << 20
"""Frames read at a time for the recording's statistics."""
_TINY = 1e-8


class Demucs(Separator):
    """Separator of 44.1 kHz sound; a step yields 5.9 s. Mono is processed as stereo with equal channels.

    The stems sum to the mix only approximately.
    """

    extra, packages = "demucs", ("demucs", "safetensors", "torch")
    gpu_packages = ()

    def __init__(self, model: Any, device: str) -> None:
        self._model: Any = model.to(device)
        self._device = device
        self._running = Interruptible(model)

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Demucs:
        if not (place.weights / CHECKPOINT).is_file():
            raise WeightsMissing(card.id)
        model = _load(place)
        if (tuple(model.sources), model.samplerate) != (card.stems, card.rate):
            raise EngineFailed(f"{CHECKPOINT} is of another model: {model.sources} at {model.samplerate} Hz.")
        return cls(model, place.device)

    def separate(self, recording: Recording, cancellation: Cancellation) -> Generator[Stems]:
        if self._model is None:
            raise EngineFailed("The engine is closed.")
        names, length = tuple(self._model.sources), int(self._model.segment * self._model.samplerate)
        overlap = _Overlap(len(names), length)
        mean, scale = _statistics(recording, cancellation)
        for start in range(0, recording.frames, overlap.stride):
            count = min(length, recording.frames - start)
            before = (length - count) // 2
            heard = self._run(_segment(recording, start - before, length, mean, scale), cancellation)
            made = overlap.add(heard[:, :, before : before + count]) * scale + mean
            yield Stems({n: _as_in(recording, stem.T) for n, stem in zip(names, made, strict=True)}, recording.rate)

    def close(self) -> None:
        self._model = None
        free_device(self._device)

    def _run(self, mix: Samples, cancellation: Cancellation) -> Samples:
        """(2, segment) → (stems, 2, segment)."""
        import torch  # pyright: ignore[reportMissingImports]

        if self._model is None:
            raise EngineFailed("The engine is closed.")
        with self._running.running(cancellation):
            return self._model(torch.from_numpy(mix)[None].to(self._device))[0].cpu().numpy()


class _Overlap:
    """Overlap-add of segments with triangular weights."""

    def __init__(self, stems: int, length: int) -> None:
        """length: samples of a segment."""
        self.stride = int((1 - OVERLAP) * length)
        half = length // 2
        ramps = np.concatenate([np.arange(1, half + 1), np.arange(length - half, 0, -1)])
        self._weight = (ramps / ramps.max()).astype(np.float32)
        self._sum = np.zeros((stems, 2, length), np.float32)
        self._weights = np.zeros(length, np.float32)

    def add(self, heard: Samples) -> Samples:
        """Add the next segment, (stems, 2, n), the last of which may be shorter; returns what is complete, at most
        `stride` samples."""
        count = heard.shape[2]
        self._sum[:, :, :count] += self._weight[:count] * heard
        self._weights[:count] += self._weight[:count]
        own = min(self.stride, count)
        complete = self._sum[:, :, :own] / self._weights[:own]
        self._sum, self._weights = _moved(self._sum, self.stride), _moved(self._weights, self.stride)
        return complete


def _moved(values: Samples, count: int) -> Samples:
    """Shift the last axis left by `count`, filling with zeros."""
    return np.concatenate([values[..., count:], np.zeros_like(values[..., :count])], axis=-1)


def _load(place: LoadContext) -> Any:
    """Load the model to the CPU. Raises EngineFailed."""
    from demucs.states import load_model  # pyright: ignore[reportMissingImports]

    prepare_device(place)
    file = place.weights / CHECKPOINT
    try:
        package = _pickled(file) if is_zipfile(file) else _safe(file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about packages that only training needs
            return load_model(package).eval()
    except Exception as error:  # a wrong file may raise anything
        raise EngineFailed(f"{file.name} is no Demucs: {error}") from error


def _safe(file: Path) -> dict[str, Any]:
    """Read the input of `demucs.states.load_model` from a safetensors file written by the author's tool."""
    from demucs.htdemucs import HTDemucs  # pyright: ignore[reportMissingImports]
    from safetensors import safe_open  # pyright: ignore[reportMissingImports]

    with safe_open(file, framework="pt") as opened:
        about: dict[str, str] = opened.metadata() or {}
        if about.get("klass") != MODEL:
            raise ValueError(f"it is of the class {about.get('klass')}")
        state = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 it is no dict
    args, kwargs = (json.loads(about[part], object_hook=_fraction) for part in ("args", "kwargs"))
    return {"klass": HTDemucs, "args": args, "kwargs": kwargs, "state": state}


def _fraction(value: dict[str, Any]) -> Any:
    return Fraction(value["numerator"], value["denominator"]) if value.get("_type") == "fraction" else value


def _pickled(file: Path) -> dict[str, Any]:
    """Read it from a PyTorch file; only tensors, numbers and this one class are unpickled, anything else is refused."""
    import torch  # pyright: ignore[reportMissingImports]
    from demucs.htdemucs import HTDemucs  # pyright: ignore[reportMissingImports]

    rebuild = cast("Any", np.float64(0).__reduce__()[0])
    number = (rebuild, "numpy.core.multiarray.scalar")  # as NumPy 1 named it
    with torch.serialization.safe_globals([HTDemucs, Fraction, number, np.dtype, np.dtypes.Float64DType]):
        package = torch.load(file, "cpu", weights_only=True)
    if package["klass"] is not HTDemucs:
        raise ValueError(f"it is of the class {package['klass']}")
    return package


def _statistics(recording: Recording, cancellation: Cancellation) -> tuple[float, float]:
    """Mean and standard deviation of the recording, mixed to mono. Raises Cancelled."""
    total = squares = 0.0
    for start in range(0, recording.frames, BLOCK):
        if cancellation.cancelled:
            raise Cancelled
        mono = recording.read(start, BLOCK).mean(1, dtype=np.float64)
        total, squares = total + float(mono.sum()), squares + float(np.square(mono).sum())
    count = max(1, recording.frames)
    variance = (squares - total**2 / count) / max(1, count - 1)
    return total / count, max(0.0, variance) ** 0.5 + _TINY


def _segment(recording: Recording, start: int, length: int, mean: float, scale: float) -> Samples:
    """float32 (2, length) from frame `start` on, normalised, zero outside the recording."""
    before = max(0, -start)
    samples = (recording.read(start + before, length - before) - mean) / scale
    padded = np.pad(samples, ((before, length - before - len(samples)), (0, 0)))
    return np.ascontiguousarray(np.broadcast_to(padded, (length, 2)).T, np.float32)


def _as_in(recording: Recording, sound: Samples) -> Samples:
    """(n, 2) → (n, channels of the recording)."""
    return sound if recording.channels == 2 else sound.mean(1, keepdims=True)
