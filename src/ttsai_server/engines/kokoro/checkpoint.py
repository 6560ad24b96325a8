"""The weights of the publisher's PyTorch model: its own file, or a published ONNX export of it, int8 or float.

The exporter kept a parameter's own name where it went into the graph as it is (``encoder.bert.embeddings.LayerNorm.
bias``); a weight that it folded or turned over has a number for a name, and is known by the node that uses it, which is
named after the module's path (``/encoder/text_encoder/cnn.0/cnn.0.0/Conv``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch  # pyright: ignore[reportMissingImports] - an extra

from ttsai_server.engines.kokoro.dequantise import dequantise
from ttsai_server.engines.kokoro.edit import GraphEditor, attribute
from ttsai_server.errors import EngineFailed

Array = npt.NDArray[np.float32]
_FRESH = re.compile(r"^bert\.pooler\.|\.(norm\d|adain\d\.\d)\.norm\.")
"""What may be lacking: the pooler, which nothing reads, and what scales instance norms, which stays 1 and 0."""
_CALLED_FROM_OUTSIDE = re.compile(r"^(F0|N|F0_proj|N_proj|shared)\b")
"""Parts of the predictor that the exporter saw without it."""


def exported(source: Path, fresh: Mapping[str, Any]) -> dict[str, Any]:
    """A float32 tensor for each name of `fresh`, the state of a new KModel without weight norm, from the export.

    Raises EngineFailed with the names that the export lacks, or has in another shape.
    """
    edit = GraphEditor(onnx.load(source))
    dequantise(edit)
    found = {**_named(edit), **_of_nodes(edit)}
    tensors = {k: torch.from_numpy(np.array(found[k], np.float32, order="C")) for k in fresh if k in found}
    return _complete(tensors, fresh, source)


def published(source: Path, fresh: Mapping[str, Any]) -> dict[str, Any]:
    """The same from the publisher's file; `fresh` is the state of a new KModel as it is, weight norm and all."""
    parts = torch.load(source, map_location="cpu", weights_only=True)
    found = {f"{part}.{k.removeprefix('module.')}": v for part, tensors in parts.items() for k, v in tensors.items()}
    return _complete(found, fresh, source)


def _complete(found: Mapping[str, Any], fresh: Mapping[str, Any], source: Path) -> dict[str, Any]:
    state = {k: found.get(k, v if _FRESH.search(k) else None) for k, v in fresh.items()}
    wrong = sorted(k for k, v in fresh.items() if state[k] is None or state[k].shape != v.shape)
    if wrong:
        raise EngineFailed(f"{source.name} lacks weights of the model, or has them in another shape: {wrong}")
    return state


def _named(edit: GraphEditor) -> dict[str, Array]:
    """The constants that kept their parameter's name."""
    return {re.sub(r"^(encoder|decoder)\.", "", name): value for name, value in edit.constants.items()}


def _of_nodes(edit: GraphEditor) -> dict[str, Array]:
    """The weights that are known by their node; of a module that runs more than once, the first."""
    found: dict[str, Array] = {}
    for node in edit.of("Gather", "Conv", "ConvTranspose", "MatMul", "Gemm", "LSTM"):
        for name, value in _weights(edit, node):
            found.setdefault(f"{_module(node.name)}.{name}", value)
    return found


def _weights(edit: GraphEditor, node: onnx.NodeProto) -> Iterable[tuple[str, Array]]:
    weight = edit.constants.get(node.input[0 if node.op_type == "Gather" else 1])
    if weight is None:  # a product of two activations
        return ()
    if node.op_type == "LSTM":
        return _lstm(*(edit.constant(name) for name in node.input[1:4]))
    turned = node.op_type == "MatMul" or (node.op_type == "Gemm" and not attribute(node, "transB", 0))
    return (("weight", weight.T if turned else weight),)


def _lstm(inputs: Array, hidden: Array, biases: Array) -> Iterable[tuple[str, Array]]:
    """ONNX has the gates in the order input, output, forget, cell; PyTorch input, forget, cell, output."""
    for direction, suffix in enumerate(("", "_reverse")):
        bias_inputs, bias_hidden = np.split(biases[direction], 2)
        parts = {"weight_ih": inputs[direction], "weight_hh": hidden[direction]}
        for name, value in {**parts, "bias_ih": bias_inputs, "bias_hh": bias_hidden}.items():
            i, o, f, c = np.split(value, 4)
            yield f"{name}_l0{suffix}", np.concatenate([i, f, c, o])


def _module(node: str) -> str:
    """`/encoder/F0.0/conv1/Conv` → `predictor.F0.0.conv1`; `/decoder/decoder/asr_res/asr_res.0/Conv` → its `.0`."""
    scopes = node.strip("/").split("/")[:-1]
    followed = zip(scopes, [*scopes[1:], ""], strict=True)
    path = ".".join(scope for scope, below in followed if not below.startswith(f"{scope}."))
    return _CALLED_FROM_OUTSIDE.sub(r"predictor.\1", re.sub(r"^(encoder|decoder)\.", "", path))
