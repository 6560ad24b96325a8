"""Combines DeepFilterNet3's three ONNX graphs into one whose state is carried from run to run.

The publisher's export starts each run from silence: zeros as the recurrent state, and as padding before what is
convolved over time. Here both are inputs, and their values after the last frame are outputs, so that processing a
recording in pieces gives the same result as processing it at once.

denoiser.onnx, n channels of t frames:
    in  ``feat_erb`` float32 (n, 1, t, 32) and ``feat_spec`` float32 (n, 2, t, 96), see `stream.py`
    out ``m`` float32 (n, 1, t, 32), gains of the bands, and ``coefs`` float32 (n, t, 96, 10), five complex filter taps
    per bin, that of the oldest frame first
    in  ``state0`` … and out ``next0`` …: float32, zeros before the first frame
"""

import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, compose, helper, numpy_helper
from onnx.utils import Extractor

from ttsai_server.errors import EngineFailed

Shape = tuple[int | str, ...]
CHANNELS, FRAMES = "n", "t"
PARTS = ("enc", "erb_dec", "df_dec")
"""An output of one graph and the input of another that it feeds have the same name."""
_FOLDER = "tmp/export"
_OPSET, _IR_VERSION = 12, 8
_FEATURES: dict[str, Shape] = {"feat_erb": (CHANNELS, 1, FRAMES, 32), "feat_spec": (CHANNELS, 2, FRAMES, 96)}
_RESULTS: dict[str, Shape] = {"m": (CHANNELS, 1, FRAMES, 32), "coefs": (CHANNELS, FRAMES, 96, 10)}
_HIDDEN: Shape = (1, CHANNELS, 256)
_PAST: dict[str, Shape] = {
    "feat_erb": (CHANNELS, 1, 2, 32),
    "feat_spec": (CHANNELS, 2, 2, 96),
    "c0": (CHANNELS, 64, 4, 96),
}
"""Value convolved over time → shape of its state; frames: the kernel's length less one."""


def build(archive: Path, target: Path) -> None:
    """Build the graph from the publisher's archive and write it to `target`, atomically. Raises EngineFailed."""
    draft = target.with_suffix(".draft")
    onnx.save(_joined(_parts(archive)), draft)
    draft.replace(target)


def _parts(archive: Path) -> list[onnx.ModelProto]:
    try:
        with tarfile.open(archive) as tar:
            models = [onnx.load(cast(Any, tar.extractfile(f"{_FOLDER}/{part}.onnx"))) for part in PARTS]
    except (tarfile.TarError, KeyError, DecodeError, EOFError) as error:
        raise EngineFailed(f"{archive.name} is not DeepFilterNet3's archive: {error!r}") from error
    for model, part in zip(models, PARTS, strict=True):
        compose.add_prefix(model, f"{part}/", rename_inputs=False, rename_outputs=False, inplace=True)
    return models


def _joined(parts: Sequence[onnx.ModelProto]) -> onnx.ModelProto:
    nodes: list[onnx.NodeProto] = []
    states: list[Shape] = []
    for node in (node for part in parts for node in part.graph.node):
        if node.op_type == "GRU":
            node.input[5], node.output[1] = _names(len(states))
            states.append(_HIDDEN)
        if node.op_type == "Pad":
            nodes += _remembering(node, *_names(len(states)))
            states.append(_PAST[node.input[0]])
        else:
            nodes.append(node)
    constants = [constant for part in parts for constant in part.graph.initializer]
    return _model(nodes, states, constants)


def _names(number: int) -> tuple[str, str]:
    return f"state{number}", f"next{number}"


def _remembering(padding: onnx.NodeProto, state: str, after: str) -> list[onnx.NodeProto]:
    """Nodes that pad with the last frames of the previous run instead of zeros, and output those for the next run."""
    bounds = {"from": -cast(int, _PAST[padding.input[0]][2]), "to": np.iinfo(np.int64).max, "axis": 2}
    names = [f"{state}/{name}" for name in bounds]
    constants = [numpy_helper.from_array(np.array([value])) for value in bounds.values()]
    return [
        *(helper.make_node("Constant", [], [name], value=value) for name, value in zip(names, constants, strict=True)),
        helper.make_node("Concat", [state, padding.input[0]], [padding.output[0]], axis=2),
        helper.make_node("Slice", [padding.output[0], *names], [after]),
    ]


def _model(
    nodes: Sequence[onnx.NodeProto], states: Sequence[Shape], constants: Sequence[TensorProto]
) -> onnx.ModelProto:
    """Model of those nodes that the outputs depend on."""
    inputs = _FEATURES | {_names(number)[0]: shape for number, shape in enumerate(states)}
    outputs = _RESULTS | {_names(number)[1]: shape for number, shape in enumerate(states)}
    graph = helper.make_graph(nodes, "DeepFilterNet3", _infos(inputs), _infos(outputs), constants)
    opsets = [helper.make_opsetid("", _OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
    return Extractor(model).extract_model(list(inputs), list(outputs))


def _infos(shapes: dict[str, Shape]) -> list[onnx.ValueInfoProto]:
    return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
