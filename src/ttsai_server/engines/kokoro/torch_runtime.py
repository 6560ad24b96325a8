"""Kokoro by torch and its author's own package: on CUDA, or where asked for."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ttsai_server.engines.base import Cancellation, Cancelled, Place
from ttsai_server.engines.kokoro.checkpoint import Parameters, parameters
from ttsai_server.engines.kokoro.runtime import Runtime, Speech, Step
from ttsai_server.errors import EngineFailed

REPOSITORY, CHECKPOINT, EXPORT = "hexgrad/Kokoro-82M", "kokoro-v1_0.pth", "model.onnx"
_ABSENT = ("bert.pooler.", ".norm.weight", ".norm.bias")
"""Parameters that the export leaves out: not used, or constant (see `checkpoint.parameters`)."""


class Torch(Runtime):
    """See Runtime; one thread at a time."""

    def __init__(self, place: Place) -> None:
        import torch  # pyright: ignore[reportMissingImports]

        torch.set_num_threads(place.threads)
        self._torch = torch
        self._model: Any = _load(place.weights).to(place.device).eval()
        self._cancellation = Cancellation()
        for module in self._model.modules():
            module.register_forward_pre_hook(self._look_up)

    def speak(self, step: Step, cancellation: Cancellation) -> Speech:
        self._cancellation, device = cancellation, self._model.device
        ids, style = (self._torch.from_numpy(np.ascontiguousarray(a)).to(device) for a in (step.ids, step.style))
        self._torch.manual_seed(0)  # the source's noise: equal requests give equal sound
        try:
            sound, frames = self._model.forward_with_tokens(ids, style, step.speed)
        except RuntimeError as error:
            raise EngineFailed(f"torch failed: {error}") from error
        return Speech(sound.reshape(-1).float().cpu().numpy(), frames.reshape(-1).float().cpu().numpy())

    def _look_up(self, *_: object) -> None:
        """Between layers: stop if told to."""
        if self._cancellation.cancelled:
            raise Cancelled

    def close(self) -> None:
        self._model = None
        if self._torch.cuda.is_available():
            self._torch.cuda.empty_cache()


def _load(weights: Path) -> Any:
    """KModel with the publisher's checkpoint, where it is there, else with the parameters of the ONNX export."""
    from kokoro.model import KModel  # pyright: ignore[reportMissingImports]

    config = json.loads((weights / "config.json").read_text("utf-8"))
    checkpoint = weights / CHECKPOINT
    if checkpoint.is_file():
        return KModel(repo_id=REPOSITORY, config=config, model=str(checkpoint))
    model = _empty(KModel, config)
    _fill(model, parameters(weights / EXPORT))
    return model


def _empty(model: Any, config: dict[str, Any]) -> Any:
    """The architecture with random parameters: KModel takes them from a file, which here holds none."""
    import torch  # pyright: ignore[reportMissingImports]

    with tempfile.TemporaryDirectory() as folder:
        nothing = Path(folder) / "nothing.pth"
        torch.save({}, nothing)
        return model(repo_id=REPOSITORY, config=config, model=str(nothing))


def _fill(model: Any, found: Parameters) -> None:
    """Set every parameter; one under a weight norm as direction and length. Raises EngineFailed where one lacks."""
    import torch  # pyright: ignore[reportMissingImports]

    state = model.state_dict()
    values = {name: torch.from_numpy(np.array(value)) for name, value in _with_norms(found, set(state)).items()}
    lacking = [name for name, _ in model.named_parameters() if name not in values and not _never_exported(name)]
    if lacking:
        raise EngineFailed(f"the ONNX export lacks {len(lacking)} of torch's parameters: {lacking[:3]}")
    model.load_state_dict(values, strict=False)


def _never_exported(name: str) -> bool:
    return name.startswith(_ABSENT[0]) or name.endswith(_ABSENT[1:])


def _with_norms(found: Parameters, names: set[str]) -> Parameters:
    values: Parameters = {}
    for name, value in found.items():
        if name in names or f"{name}_v" not in names:
            values[name] = value
            continue
        length = np.sqrt(np.square(value).sum(axis=tuple(range(1, value.ndim)), keepdims=True))
        values[f"{name}_g"] = length
        values[f"{name}_v"] = np.where(length == 0, np.float32(1), value)  # 0 / 0 would be no number
    return values
