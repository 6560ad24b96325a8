"""Kokoro by PyTorch, on CUDA or the CPU: the publisher's own model, of the `kokoro` package."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from threading import local
from typing import Any

import torch  # pyright: ignore[reportMissingImports] - an extra
from torch.overrides import TorchFunctionMode  # pyright: ignore[reportMissingImports]

from ttsai_server.engines.base import Cancellation, Cancelled, LoadContext
from ttsai_server.engines.kokoro.checkpoint import exported, published
from ttsai_server.engines.kokoro.runtime import Runtime, Speech, Step
from ttsai_server.errors import EngineFailed

CHECKPOINT, EXPORT = "kokoro-v1_0.pth", "model.onnx"
"""The publisher's weights, and what they are read out of where they are not there."""


class Torch(Runtime):
    """See Runtime; any number of threads may call it."""

    def __init__(self, place: LoadContext) -> None:
        if place.device == "cuda" and not torch.cuda.is_available():
            raise EngineFailed("PyTorch sees no CUDA device, or was built without CUDA.")
        torch.set_num_threads(place.threads)
        self._device = place.device
        self._model: Any = _load(place.weights).to(place.device)
        self._thread = local()
        for module in self._model.modules():
            module.register_forward_pre_hook(self._stop_if_told)

    def speak(self, step: Step, cancellation: Cancellation) -> Speech:
        self._thread.cancellation = cancellation
        ids, style = (torch.from_numpy(array).to(self._device) for array in (step.ids, step.style))
        try:
            with torch.inference_mode():
                self._stop_if_told()
                waveform, frames = self._model.forward_with_tokens(ids, style, step.speed)
                return Speech(waveform.cpu().numpy(), frames.float().cpu().numpy())
        except RuntimeError as error:
            raise EngineFailed(f"PyTorch failed: {error}") from error

    def _stop_if_told(self, *_: Any) -> None:
        """Runs before each layer: what is under way when told to stop is one layer, or one kernel on CUDA."""
        if self._thread.cancellation.cancelled:
            raise Cancelled

    def close(self) -> None:
        self._model = None
        if self._device == "cuda":
            torch.cuda.empty_cache()


def _load(weights: Path) -> Any:
    """The model, ready to run, on the CPU."""
    # importing any part of `kokoro` imports its phonemizers too (misaki, espeak: GPL); nothing here calls them
    from kokoro.model import KModel  # pyright: ignore[reportMissingImports]

    build: Any = KModel  # it takes more than its annotations say
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old ways of weight norm and dropout that KModel uses
        model = build("hexgrad/Kokoro-82M", str(weights / "config.json"), _empty()).eval()
    if (weights / CHECKPOINT).is_file():
        model.load_state_dict(published(weights / CHECKPOINT, model.state_dict()))
    _fold_weight_norm(model)
    if not (weights / CHECKPOINT).is_file():
        model.load_state_dict(exported(weights / EXPORT, model.state_dict()))
    generator = model.decoder.generator.m_source.l_sin_gen
    generator.forward = _quietly(generator.forward)
    return model


def _empty() -> BytesIO:
    """A checkpoint of nothing: KModel fetches one where it is given none, and takes one that lacks tensors."""
    file = BytesIO()
    torch.save({}, file)
    file.seek(0)
    return file


def _fold_weight_norm(model: Any) -> None:
    """Weight norm (Salimans & Kingma 2016) would compute every kernel anew at every step."""
    for module in model.modules():
        if hasattr(module, "weight_g"):
            torch.nn.utils.remove_weight_norm(module)


def _quietly(forward: Any) -> Any:
    def run(f0: Any) -> Any:
        with _Quiet():
            return forward(f0)

    return run


class _Quiet(TorchFunctionMode):  # pyright: ignore[reportUntypedBaseClass]
    """Zeros for random numbers, in this thread: equal requests give equal sound, the same as the ONNX exports'.

    The model's harmonic source adds noise, and starts the overtones at random phases; the exports leave both out.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        quiet: dict[Any, Any] = {torch.rand: torch.zeros, torch.randn_like: torch.zeros_like}
        return quiet.get(func, func)(*args, **(kwargs or {}))
