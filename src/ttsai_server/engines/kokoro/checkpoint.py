"""The torch parameters of Kokoro, read out of its ONNX export."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

from ttsai_server.engines.kokoro.dequantise import dequantise
from ttsai_server.engines.kokoro.edit import GraphEditor
from ttsai_server.engines.kokoro.rewrite import standardise

Array = npt.NDArray[np.float32]
Parameters = dict[str, Array]
_BY_NAME = re.compile(r"\.(bias|gamma|beta|alpha\d\.\d|LayerNorm\.weight|full_layer_layer_norm\.weight)$")
_TO_TORCH_GATES = [0, 2, 3, 1]
"""ONNX orders an LSTM's gates i, o, f, c; torch i, f, g (= c), o."""


def parameters(source: Path) -> Parameters:
    """Every parameter that the export at `source` holds, by its name in `kokoro.KModel`; weight norms are worked in.

    What it lacks is either constant (the affine part of the instance norms: 1 and 0) or not used (BERT's pooler).
    """
    edit = GraphEditor(onnx.load(source))
    dequantise(edit)
    standardise(edit)
    found = {_plain(name): value for name, value in edit.constants.items() if _BY_NAME.search(name)}
    for node in edit.of("Conv", "ConvTranspose"):
        found[f"{_module(edit, node)}.weight"] = edit.constant(node.input[1])
    for node in edit.of("MatMul"):
        if node.input[1] in edit.constants:
            found[f"{_module(edit, node)}.weight"] = edit.constant(node.input[1]).T
    for node in edit.of("Gather"):
        if "embedding" in node.input[0]:
            found[_plain(re.sub(r"_quantized\.float$", "", node.input[0]))] = edit.constant(node.input[0])
    for node in edit.of("LSTM"):
        found.update(_lstm(edit, node))
    return found


def _plain(name: str) -> str:
    """A constant's name in the export as torch's: without the wrappers that it was exported with."""
    return re.sub(r"^encoder\.|^decoder\.(?=decoder\.)", "", name)


def _module(edit: GraphEditor, node: onnx.NodeProto) -> str:
    """The torch module that a weighted node came from: its bias is called after it; without one, the node is."""
    biases = [*node.input[2:], *(name for reader in edit.consumers(node.output[0]) for name in reader.input)]
    named = [name for name in biases if name in edit.constants and name.endswith(".bias")]
    return _plain(named[0]).removesuffix(".bias") if named else _path(node.name)


def _path(name: str) -> str:
    """/encoder/F0.1/conv1x1/Conv → predictor.F0.1.conv1x1."""
    path = ".".join(name.strip("/").split("/")[:-1])
    return _plain(re.sub(r"^encoder\.(?=F0|N[._]|shared)", "predictor.", path))


def _lstm(edit: GraphEditor, node: onnx.NodeProto) -> Parameters:
    module, found = _path(node.name), Parameters()
    kinds = {"weight_ih_l0": node.input[1], "weight_hh_l0": node.input[2]}
    for direction, suffix in enumerate(("", "_reverse")):
        for kind, name in kinds.items():
            found[f"{module}.{kind}{suffix}"] = _gates(edit.constant(name)[direction])
        both = edit.constant(node.input[3])[direction]
        for kind, bias in zip(("bias_ih_l0", "bias_hh_l0"), np.split(both, 2), strict=True):
            found[f"{module}.{kind}{suffix}"] = _gates(bias)
    return found


def _gates(stacked: Array) -> Array:
    """Rows of four gates, (4 hidden, …), in torch's order."""
    return np.concatenate([np.split(stacked, 4)[gate] for gate in _TO_TORCH_GATES])
