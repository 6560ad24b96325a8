"""A checkpoint as LavaSR's publisher has it, of a tiny network with random weights, written without torch."""

import pickle
import sys
import zipfile
from collections import OrderedDict
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
from tests.engines.torch_weights import read_shapes

PUBLISHED = read_shapes((Path(__file__).parent / "published.txt").read_text().splitlines())
"""Names and shapes of the published checkpoint: a Vocos of 512 channels and eight blocks."""
PUBLISHED_BYTES = 56_316_591
"""Length of the published file: that of these tensors, and of their names."""
BANDS, SIZE, WIDE, BLOCKS, BINS = 80, 16, 32, 2, 1025


def tensors(seed: int = 0) -> dict[str, np.ndarray]:
    """Name → float32 tensor, under the names and in the shapes of the real one, but for SIZE, WIDE and BLOCKS."""
    random = np.random.default_rng(seed)

    def drawn(*shape: int, scale: float = 1.0) -> np.ndarray:
        return (scale * random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)

    # triangles up to 8 kHz, as a mel scale's, but evenly spaced
    centres = np.linspace(0, 8000 / 23.4, BANDS + 2)[1:-1]
    filters = np.maximum(0, 1 - np.abs(np.arange(BINS)[:, None] - centres) / 5).astype(np.float32)
    window = np.hanning(2049)[:-1].astype(np.float32)
    found = {"feature_extractor.mel_spec.spectrogram.window": window, "head.istft.window": window}
    found |= {"feature_extractor.mel_spec.mel_scale.fb": filters}
    found |= {"backbone.embed.weight": drawn(SIZE, BANDS, 7), "backbone.embed.bias": drawn(SIZE)}
    for norm in ("backbone.norm", "backbone.final_layer_norm", *(f"backbone.convnext.{n}.norm" for n in range(BLOCKS))):
        found |= {f"{norm}.weight": 1 + drawn(SIZE, scale=0.1), f"{norm}.bias": drawn(SIZE, scale=0.1)}
    for block in (f"backbone.convnext.{n}" for n in range(BLOCKS)):
        found |= {f"{block}.gamma": drawn(SIZE), f"{block}.dwconv.weight": drawn(SIZE, 1, 7)}
        found |= {f"{block}.dwconv.bias": drawn(SIZE), f"{block}.pwconv1.weight": drawn(WIDE, SIZE)}
        found |= {f"{block}.pwconv1.bias": drawn(WIDE), f"{block}.pwconv2.weight": drawn(SIZE, WIDE)}
        found |= {f"{block}.pwconv2.bias": drawn(SIZE)}
    return found | {"head.out.weight": drawn(2 * BINS, SIZE), "head.out.bias": drawn(2 * BINS)}


def write_checkpoint(file: Path, state: dict[str, np.ndarray]) -> None:
    """As `torch.save(state_dict, file)`."""
    utilities, torch = ModuleType("torch._utils"), ModuleType("torch")
    for module, name in ((utilities, "_rebuild_tensor_v2"), (torch, "FloatStorage")):
        setattr(module, name, type(name, (), {"__module__": module.__name__}))
    storages = dict(enumerate(state.values()))

    class Tensor:
        def __init__(self, key: int) -> None:
            self.key = key

        def __reduce__(self) -> Any:
            value = storages[self.key]
            strides = tuple(stride // 4 for stride in value.strides)
            parts = (Storage(self.key), 0, value.shape, strides, False, OrderedDict())
            return utilities._rebuild_tensor_v2, parts

    class Storage:
        def __init__(self, key: int) -> None:
            self.key = key

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj: Any) -> Any:
            if not isinstance(obj, Storage):
                return None
            return ("storage", torch.FloatStorage, str(obj.key), "cpu", storages[obj.key].size)

    pickled = BytesIO()
    with patch.dict(sys.modules, {"torch": torch, "torch._utils": utilities}):
        Pickler(pickled, protocol=2).dump(OrderedDict((name, Tensor(key)) for key, name in enumerate(state)))
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("pytorch_model/data.pkl", pickled.getvalue())
        for key, value in storages.items():
            archive.writestr(f"pytorch_model/data/{key}", np.ascontiguousarray(value, "<f4").tobytes())
