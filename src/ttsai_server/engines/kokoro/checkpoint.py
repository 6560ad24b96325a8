"""Reads the weights of the publisher's PyTorch model from its own file, or from an ONNX export of it, int8 or float.

The exporter kept a parameter's name if it is in the graph unchanged (``encoder.bert.embeddings.LayerNorm.bias``). A
weight that was folded or transposed has a number for a name; it is identified by the node that uses it, which is named
after the module's path (``/encoder/text_encoder/cnn.0/cnn.0.0/Conv``).
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
from ttsai_server.engines.shared.graph_editor import GraphEditor, attribute
from ttsai_server.errors import EngineFailed

Array = npt.NDArray[np.float32]
_FRESH = re.compile(r"^bert\.pooler\.|\.(norm\d|adain\d\.\d)\.norm\.")
"""Parameters that may be missing: the unused pooler, and scale and shift of instance norms, which are 1 and 0."""
_CALLED_FROM_OUTSIDE = re.compile(r"^(F0|N|F0_proj|N_proj|shared)\b")
"""Parts of the predictor whose node names lack the prefix `predictor`."""


def exported(source: Path, fresh: Mapping[str, Any]) -> dict[str, Any]:
    """Read the state dict of a KModel from an ONNX export: name → float32 tensor.

    fresh: state dict of a new KModel without weight norm. Raises EngineFailed with the names that the export lacks, or
    has in another shape.
    """
    edit = GraphEditor(onnx.load(source))
    dequantise(edit)
    found = {**_named(edit), **_of_nodes(edit)}
    tensors = {k: torch.from_numpy(np.array(found[k], np.float32, order="C")) for k in fresh if k in found}
    return _complete(tensors, fresh, source)


def published(source: Path, fresh: Mapping[str, Any]) -> dict[str, Any]:
    """Read it from the publisher's file. fresh: state dict of a new KModel, with weight norm. Raises as `exported`."""
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
    """The constants that are named as their parameter."""
    return {re.sub(r"^(encoder|decoder)\.", "", name): value for name, value in edit.constants.items()}


def _of_nodes(edit: GraphEditor) -> dict[str, Array]:
    """The weights that are identified by their node; for a module that runs more than once, by the first."""
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
