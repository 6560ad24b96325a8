"""Interface of the libraries that run the model, and the choice among them."""

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

BackendName = Literal["auto", "openvino", "onnxruntime", "torch"]
Precision = Literal["auto", "f32", "bf16"]

_NEEDS = {
    "torch": ("ttsai-server[torch]", "torch", "kokoro"),
    "openvino": ("ttsai-server[kokoro]", "openvino"),
    "onnxruntime": ("ttsai-server[kokoro]", "onnxruntime"),
}
"""Backend → requirement to install with pip, and the modules that have to be there."""
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PhonemeChunk:
    """Input of the model: one chunk of phonemes."""

    ids: npt.NDArray[np.int64]
    """(1, n): 0, the phonemes' ids, 0."""
    style: npt.NDArray[np.float32]
    """The voice's style vector, (1, 256)."""
    speed: float


@dataclass(frozen=True, slots=True)
class ModelOutput:
    waveform: npt.NDArray[np.float32]
    """(samples,), at 24 kHz."""
    frames: npt.NDArray[np.float32]
    """(n,): duration of each id in this waveform, in frames of 600 samples."""
    last: bool = True
    """Whether it is the end of the chunk."""


class InferenceBackend(ABC):
    """A loaded model, for any number of threads; as many as it was loaded for (`concurrency`) run at a time."""

    @abstractmethod
    def speak(self, chunk: PhonemeChunk, cancellation: Cancellation) -> ModelOutput:
        """Run the model. Raises Cancelled soon after it was cancelled."""

    def stream(self, chunk: PhonemeChunk, cancellation: Cancellation) -> Generator[ModelOutput]:
        """Run the model so that sound is ready before the whole chunk is: yields it in parts, a short one first.

        A backend that does not support this yields the whole chunk.
        """
        yield self.speak(chunk, cancellation)

    @abstractmethod
    def close(self) -> None:
        """Free everything. Idempotent."""


def open_backend(name: BackendName, precision: Precision, place: LoadContext, concurrency: int) -> InferenceBackend:
    """Load the model with the library of that name; `auto`: torch on CUDA, else OpenVINO, else ONNX Runtime.

    Raises EngineFailed if the library is not installed or does not run here; `auto` logs it and tries the next.
    """
    *others, last = _candidates(name, place.device)
    for candidate in others:
        try:
            return _open(candidate, precision, place, concurrency)
        except EngineFailed as error:
            logger.warning("%s Trying another runtime.", error.message)
    return _open(last, precision, place, concurrency)


def _candidates(name: BackendName, device: str) -> tuple[str, ...]:
    if name != "auto":
        return (name,)
    return (*(["torch"] if device == "cuda" else []), "openvino", "onnxruntime")


def _absent(candidate: str) -> str:
    """Message with the missing packages and how to install them; empty if none is missing."""
    requirement, *packages = _NEEDS[candidate]
    absent = [package for package in packages if not find_spec(package)]
    return f"not installed: {', '.join(absent)}; pip install '{requirement}'" if absent else ""


def _open(name: str, precision: Precision, place: LoadContext, concurrency: int) -> InferenceBackend:
    if absent := _absent(name):
        raise EngineFailed(f"Kokoro can't run by {name}: {absent}.")
    if name == "torch":
        from ttsai_server.engines.kokoro.torch_backend import Torch

        return Torch(place, precision)
    if name == "openvino":
        from ttsai_server.engines.kokoro.openvino_backend import OpenVino

        return OpenVino(place, precision, concurrency)
    from ttsai_server.engines.kokoro.onnx_backend import OnnxRuntime

    return OnnxRuntime(place, concurrency)
