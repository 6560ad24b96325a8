"""Builds the speaker encoder's ONNX graph from Resemblyzer's checkpoint, with NumPy and `onnx` only.

The network is the d-vector of Wan et al. 2018 ("Generalized end-to-end loss for speaker verification"): three LSTM
layers of 256, a linear layer on the last one's last state, ReLU, and normalisation to norm 1.

encoder.onnx
    in  ``mel`` float32 (n, frames, 40), from `shared/speaker_mel.py`; 160 frames are 1.6 s
    out ``embedding`` float32 (n, 256), each >= 0 and of norm 1
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ttsai_server.engines.shared.checkpoint import read_tensors
from ttsai_server.engines.shared.speaker_mel import BANDS
from ttsai_server.errors import EngineFailed

Array = NDArray[np.float32]
LAYERS, HIDDEN, SIZE = 3, 256, 256
_OPSET, _IR_VERSION = 20, 9
_SMALL = 1e-6
"""Lower bound of the norm, for silent windows."""


def build(source: Path, target: Path) -> None:
    """Build the graph from the checkpoint `source` and write it to `target`, atomically. Raises EngineFailed."""
    tensors = read_tensors(source, "model_state")
    _check(tensors)
    draft = target.with_suffix(".draft")
    onnx.save(_model(tensors), draft)
    draft.replace(target)


def _check(tensors: Mapping[str, Array]) -> None:
    wanted: dict[str, tuple[int, ...]] = {"linear.weight": (SIZE, HIDDEN), "linear.bias": (SIZE,)}
    for layer in range(LAYERS):
        wanted[f"lstm.weight_ih_l{layer}"] = (4 * HIDDEN, HIDDEN if layer else BANDS)
        wanted[f"lstm.weight_hh_l{layer}"] = (4 * HIDDEN, HIDDEN)
        wanted |= {f"lstm.bias_{kind}_l{layer}": (4 * HIDDEN,) for kind in ("ih", "hh")}
    if wrong := [name for name, shape in wanted.items() if name not in tensors or tensors[name].shape != shape]:
        raise EngineFailed(
            f"The checkpoint lacks weights of the speaker encoder, or has them in another shape: {wrong}"
        )


def _model(tensors: Mapping[str, Array]) -> onnx.ModelProto:
    constants = {"linear.weight": tensors["linear.weight"], "linear.bias": tensors["linear.bias"]}
    constants |= {"small": np.array(_SMALL, np.float32), "axis": np.array([1]), "first": np.array([0])}
    nodes = [helper.make_node("Transpose", ["mel"], ["layer0"], perm=[1, 0, 2])]  # LSTM wants (frames, n, bands)
    for layer in range(LAYERS):
        names = {f"{kind}{layer}": value for kind, value in _layer(tensors, layer).items()}
        constants |= names
        made = [f"all{layer}", f"last{layer}"]
        nodes.append(helper.make_node("LSTM", [f"layer{layer}", *names], made, hidden_size=HIDDEN))
        nodes.append(helper.make_node("Squeeze", [made[0], "axis"], [f"layer{layer + 1}"]))
    nodes += [
        helper.make_node("Squeeze", [f"last{LAYERS - 1}", "first"], ["state"]),
        helper.make_node("Gemm", ["state", "linear.weight", "linear.bias"], ["raw"], transB=1),
        helper.make_node("Relu", ["raw"], ["positive"]),
        helper.make_node("ReduceL2", ["positive", "axis"], ["norm"], keepdims=1),
        helper.make_node("Max", ["norm", "small"], ["divisor"]),
        helper.make_node("Div", ["positive", "divisor"], ["embedding"]),
    ]
    inputs = [helper.make_tensor_value_info("mel", TensorProto.FLOAT, ["n", "frames", BANDS])]
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", SIZE])]
    stored = [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "speaker encoder", inputs, outputs, stored)
    opsets = [helper.make_opsetid("", _OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="ttsai-server")


def _layer(tensors: Mapping[str, Array], layer: int) -> dict[str, Array]:
    """ONNX's W, R and B, whose first axis is the direction."""
    biases = [_gates(tensors[f"lstm.bias_{kind}_l{layer}"]) for kind in ("ih", "hh")]
    weights = {name: _gates(tensors[f"lstm.weight_{kind}_l{layer}"])[None] for name, kind in (("W", "ih"), ("R", "hh"))}
    return {**weights, "B": np.concatenate(biases)[None]}


def _gates(values: Array) -> Array:
    """PyTorch has the gates in the order input, forget, cell, output; ONNX input, output, forget, cell."""
    i, f, c, o = np.split(values, 4)
    return np.concatenate([i, o, f, c])
