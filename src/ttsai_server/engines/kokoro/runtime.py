"""What the adapter needs of the library that runs the model, and which library that is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

import numpy as np
import numpy.typing as npt

from ttsai_server.engines.base import Cancellation, Place
from ttsai_server.errors import EngineFailed

Name = Literal["auto", "openvino", "onnxruntime", "torch"]
Precision = Literal["auto", "f32", "bf16"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of work."""

    ids: npt.NDArray[np.int64]
    """(1, n): 0, the phonemes' ids, 0."""
    style: npt.NDArray[np.float32]
    """(1, 256)."""
    speed: float


@dataclass(frozen=True, slots=True)
class Speech:
    waveform: npt.NDArray[np.float32]
    """(samples,), 24 kHz."""
    frames: npt.NDArray[np.float32]
    """(n,): frames of 600 samples that each id of the step lasts."""


class Runtime(ABC):
    """A loaded model; `speak` may be called from as many threads at once as it was loaded for."""

    @abstractmethod
    def speak(self, step: Step, cancellation: Cancellation) -> Speech:
        """Run the model. Raises Cancelled soon after it was told to stop."""

    @abstractmethod
    def close(self) -> None:
        """Free everything. Idempotent."""


PACKAGES = {"torch": "kokoro", "openvino": "openvino", "onnxruntime": "onnxruntime"}
"""Runtime → the package that it needs; kokoro brings torch."""


def open_runtime(name: Name, precision: Precision, place: Place, concurrency: int) -> Runtime:
    """Load the model by the library of that name; `auto`: torch on CUDA, else OpenVINO, else ONNX Runtime.

    Raises EngineFailed where the library is not installed or does not run here.
    """
    for candidate in _candidates(name, place.device):
        if find_spec(PACKAGES[candidate]):
            return _open(candidate, precision, place, concurrency)
    raise EngineFailed(
        f"None of Kokoro's runtimes is installed: {', '.join(_candidates(name, place.device))}. "
        "For torch: pip install 'ttsai-server[torch]'"
    )


def _candidates(name: Name, device: str) -> tuple[str, ...]:
    if name != "auto":
        return (name,)
    return (*(["torch"] if device == "cuda" else []), "openvino", "onnxruntime")


def _open(name: str, precision: Precision, place: Place, concurrency: int) -> Runtime:
    if name == "torch":
        from ttsai_server.engines.kokoro.torch_runtime import Torch

        return Torch(place)
    if name == "openvino":
        from ttsai_server.engines.kokoro.openvino_runtime import OpenVino

        return OpenVino(place, precision, concurrency)
    from ttsai_server.engines.kokoro.onnx_runtime import OnnxRuntime

    return OnnxRuntime(place)
