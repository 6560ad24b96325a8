"""Kokoro by PyTorch, on CUDA or the CPU: the publisher's model, from the `kokoro` package."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import torch  # pyright: ignore[reportMissingImports] - an extra
from torch.overrides import TorchFunctionMode  # pyright: ignore[reportMissingImports]

from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.kokoro.backend import InferenceBackend, ModelOutput, PhonemeChunk, Precision
from ttsai_server.engines.kokoro.batched import BatchedModel
from ttsai_server.engines.kokoro.checkpoint import exported, published
from ttsai_server.engines.shared.batching import Batcher
from ttsai_server.engines.shared.pytorch import Interruptible, free_device, import_torchaudio, prepare_device

CHECKPOINT, EXPORT = "kokoro-v1_0.pth", "model.onnx"
"""The publisher's weights, and the ONNX export that they are extracted from if the former are missing."""


class Torch(InferenceBackend):
    """See InferenceBackend. Thread-safe: what several threads want at the same time is spoken in batches."""

    def __init__(self, place: LoadContext, precision: Precision = "auto") -> None:
        """precision: bf16, for the decoder; or f32, which is also auto."""
        prepare_device(place)
        self._device = place.device
        model: Any = _load(place.weights).to(place.device)
        self._model = BatchedModel(model, half=precision == "bf16")
        self._running = Interruptible(model)
        self._batcher = Batcher(self._together, place.steps)

    def speak(self, chunk: PhonemeChunk, cancellation: Cancellation) -> ModelOutput:
        return self._batcher(chunk, cancellation)

    def close(self) -> None:
        self._batcher.close()
        self._model = self._running = None
        free_device(self._device)

    def _together(self, chunks: Sequence[PhonemeChunk], cancellation: Cancellation) -> list[ModelOutput]:
        assert self._model
        assert self._running
        with self._running.running(cancellation):
            spoken = self._model.speak(chunks)
            return [ModelOutput(*(part.float().cpu().numpy() for part in parts)) for parts in spoken]


def _load(weights: Path) -> Any:
    """Load the model to the CPU."""
    # importing any part of `kokoro` imports its phonemizers too (misaki, espeak: GPL); they are not used
    import_torchaudio()  # which transformers, and so kokoro, imports if it is installed
    from kokoro.model import KModel  # pyright: ignore[reportMissingImports]

    build: Any = KModel  # it accepts more than its annotations say
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # KModel uses deprecated forms of weight norm and dropout
        model = build("hexgrad/Kokoro-82M", str(weights / "config.json"), _empty()).eval()
    if (weights / CHECKPOINT).is_file():
        model.load_state_dict(published(weights / CHECKPOINT, model.state_dict()))
    _fold_weight_norm(model)
    if not (weights / CHECKPOINT).is_file():
        model.load_state_dict(exported(weights / EXPORT, model.state_dict()))
    generator = model.decoder.generator.m_source.l_sin_gen
    generator.forward = _without_noise(generator.forward)
    return model


def _empty() -> BytesIO:
    """An empty checkpoint: without one, KModel would download its own; missing tensors are accepted."""
    file = BytesIO()
    torch.save({}, file)
    file.seek(0)
    return file


def _fold_weight_norm(model: Any) -> None:
    """Fold weight norm (Salimans & Kingma 2016) into the weights, which it would recompute in every run."""
    for module in model.modules():
        if hasattr(module, "weight_g"):
            torch.nn.utils.remove_weight_norm(module)


def _without_noise(forward: Any) -> Any:
    def run(f0: Any) -> Any:
        with _ZerosForRandomNumbers():
            return forward(f0)

    return run


class _ZerosForRandomNumbers(TorchFunctionMode):  # pyright: ignore[reportUntypedBaseClass]
    """Replaces random numbers by zeros in this thread: makes the model deterministic, and equal to the ONNX exports.

    The model's harmonic source adds noise and starts the overtones at random phases; the exports omit both.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        zeros: dict[Any, Any] = {torch.rand: torch.zeros, torch.randn_like: torch.zeros_like}
        return zeros.get(func, func)(*args, **(kwargs or {}))
