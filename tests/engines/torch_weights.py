"""Random weights for PyTorch's modules, the same on every machine, in the format of published checkpoints."""

from collections.abc import Iterable, Mapping
from math import prod
from typing import Any
from zlib import crc32

import numpy as np

Shapes = dict[str, tuple[int, ...]]


def shapes_of(module: Any) -> Shapes:
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}


def read_shapes(lines: Iterable[str]) -> Shapes:
    """Of a list of tensors: name, then sizes."""
    rows = (line.split() for line in lines)
    return {name: tuple(map(int, sizes)) for name, *sizes in rows}


def with_weight_norm(shapes: Mapping[str, tuple[int, ...]], normed: Iterable[str]) -> Shapes:
    """The shapes as PyTorch's `weight_norm` has them for the layers `normed`."""
    parts = dict(shapes)
    for layer in normed:
        shape = parts.pop(f"{layer}.weight")
        parts |= {f"{layer}.weight_g": (shape[0], *[1] * (len(shape) - 1)), f"{layer}.weight_v": shape}
    return parts


def normed_layers(names: Iterable[str]) -> set[str]:
    return {name.removesuffix(".weight_g") for name in names if name.endswith(".weight_g")}


def random_state(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Tensors of these shapes: each output is about as large as its inputs."""
    import torch  # pyright: ignore[reportMissingImports]

    return {name: torch.from_numpy(_filled(name, shape)) for name, shape in shapes.items()}


def _filled(name: str, shape: tuple[int, ...]) -> np.ndarray:
    if name.endswith(".weight_g") or (len(shape) == 1 and name.endswith("weight")):  # a norm
        return np.ones(shape, np.float32)
    values = np.random.default_rng(crc32(name.encode())).standard_normal(shape).astype(np.float32)
    return values * np.float32(0.02 if len(shape) == 1 else prod(shape[1:]) ** -0.5)
