"""What the adapter needs of the library that runs the model, and which library that is."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

import numpy as np
import numpy.typing as npt

from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.errors import EngineFailed

Name = Literal["auto", "openvino", "onnxruntime", "torch"]
Precision = Literal["auto", "f32", "bf16"]

_NEEDS = {
    "torch": ("ttsai-server[torch]", "torch", "kokoro"),
    "openvino": ("ttsai-server[kokoro]", "openvino"),
    "onnxruntime": ("ttsai-server[kokoro]", "onnxruntime"),
}
"""What to ask pip for, and the packages that it brings."""
logger = logging.getLogger(__name__)


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
    """(n,): frames of 600 samples that each id of the step lasts in it."""
    last: bool = True
    """Whether it is the end of the step."""


class Runtime(ABC):
    """A loaded model; `speak` may be called from as many threads at once as it was loaded for."""

    @abstractmethod
    def speak(self, step: Step, cancellation: Cancellation) -> Speech:
        """Run the model. Raises Cancelled soon after it was told to stop."""

    def stream(self, step: Step, cancellation: Cancellation) -> Generator[Speech]:
        """Run the model so that sound can be heard before all of it is made: the step in parts, a short one first.

        A runtime that can't yields one part, all of it.
        """
        yield self.speak(step, cancellation)

    @abstractmethod
    def close(self) -> None:
        """Free everything. Idempotent."""


def open_runtime(name: Name, precision: Precision, place: LoadContext, concurrency: int) -> Runtime:
    """Load the model by the library of that name; `auto`: torch on CUDA, else OpenVINO, else ONNX Runtime.

    Raises EngineFailed where the library is not installed or does not run here; `auto` warns and takes the next.
    """
    *others, last = _candidates(name, place.device)
    for candidate in others:
        try:
            return _open(candidate, precision, place, concurrency)
        except EngineFailed as error:
            logger.warning("%s Trying another runtime.", error.message)
    return _open(last, precision, place, concurrency)


def _candidates(name: Name, device: str) -> tuple[str, ...]:
    if name != "auto":
        return (name,)
    return (*(["torch"] if device == "cuda" else []), "openvino", "onnxruntime")


def _absent(candidate: str) -> str:
    """What is not installed and how to install it; empty if all is there."""
    requirement, *packages = _NEEDS[candidate]
    absent = [package for package in packages if not find_spec(package)]
    return f"not installed: {', '.join(absent)}; pip install '{requirement}'" if absent else ""


def _open(name: str, precision: Precision, place: LoadContext, concurrency: int) -> Runtime:
    if absent := _absent(name):
        raise EngineFailed(f"Kokoro can't run by {name}: {absent}.")
    if name == "torch":
        from ttsai_server.engines.kokoro.torch_runtime import Torch

        return Torch(place)
    if name == "openvino":
        from ttsai_server.engines.kokoro.openvino_runtime import OpenVino

        return OpenVino(place, precision, concurrency)
    from ttsai_server.engines.kokoro.onnx_runtime import OnnxRuntime

    return OnnxRuntime(place)
