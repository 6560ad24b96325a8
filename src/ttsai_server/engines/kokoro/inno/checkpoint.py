"""Reads the tensors of kokoro-inno-clone-tuner's model.safetensors, without torch.

The format (`safetensors`): the header's length, uint64; the header, JSON: name → dtype, shape, and where its values are
in the rest; then the values, all little-endian.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ttsai_server.errors import EngineFailed

Array = NDArray[np.float32]
USED = ("enc.", "heads.")
"""How the names of tensors begin that make the timbre; the others are of the authors' prosody."""
BANDS, EMBEDDING, STYLE = 80, 512, 256
BLOCKS = (3, 4, 6, 3)
WIDTHS = (32, 64, 128, 256)
"""Residual blocks in each of the encoder's layers, and their channels."""
_DTYPES = {"F16": "<f2", "F32": "<f4"}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    tensors: Mapping[str, Array]
    """Name → tensor, of those that are USED."""
    tilt_mean: float
    tilt_spread: float
    """Mean and standard deviation of the spectral tilt in training, dB per octave."""


def read(file: Path) -> Checkpoint:
    """Raises EngineFailed if it is not such a file, or lacks a tensor, or has it in another shape."""
    try:
        with file.open("rb") as stream:
            header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
            values = stream.read()
        about = header.pop("__metadata__")
        tensors = {
            name: np.frombuffer(values[slice(*entry["data_offsets"])], _DTYPES[entry["dtype"]])
            .reshape(entry["shape"])
            .astype(np.float32)
            for name, entry in header.items()
            if name.startswith(USED) and entry["dtype"] in _DTYPES
        }
        found = Checkpoint(tensors, float(about["tilt_mean"]), float(about["tilt_sd"]))
    except (ValueError, LookupError, TypeError, AttributeError, MemoryError, OverflowError) as error:
        raise EngineFailed(f"{file.name} is no checkpoint of this model: {error!r}") from error
    if wrong := [name for name, shape in shapes().items() if name not in tensors or tensors[name].shape != shape]:
        raise EngineFailed(f"{file.name} lacks tensors of this model, or has them in another shape: {wrong[:3]}")
    return found


def shapes() -> dict[str, tuple[int, ...]]:
    """Name → shape of the tensors that are used, as published."""
    wanted = _convolution("enc.backbone.conv1", "enc.backbone.bn1", 1, WIDTHS[0], 3)
    before = WIDTHS[0]
    for layer, (count, width) in enumerate(zip(BLOCKS, WIDTHS, strict=True), start=1):
        for block in range(count):
            name = f"enc.backbone.layer{layer}.{block}"
            wanted |= _convolution(f"{name}.conv1", f"{name}.bn1", before, width, 3)
            wanted |= _convolution(f"{name}.conv2", f"{name}.bn2", width, width, 3)
            if before != width:
                wanted |= _convolution(f"{name}.shortcut.0", f"{name}.shortcut.1", before, width, 1)
            before = width
    wanted |= _linear("enc.backbone.seg_1", 2 * before * BANDS // 8, 256)
    wanted |= _linear("enc.proj.0", 256, 1024) | _linear("enc.proj.2", 1024, EMBEDDING)
    wanted |= _linear("heads.style.0", EMBEDDING, EMBEDDING) | _linear("heads.style.2", EMBEDDING, STYLE)
    return wanted | {"heads.tilt.weight": (STYLE, 1)}


def _convolution(name: str, normal: str, before: int, after: int, size: int) -> dict[str, tuple[int, ...]]:
    parts = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.weight": (after, before, size, size)} | {f"{normal}.{part}": (after,) for part in parts}


def _linear(name: str, before: int, after: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (after, before), f"{name}.bias": (after,)}
