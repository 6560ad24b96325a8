"""Turns the decoder's sequences, (1, channels, length), into images of height 1, (1, channels, 1, length).

OpenVINO's fast convolutions need channels-last memory (NHWC), which its normalisation supports in four dimensions but
not in three: there, it converts every tensor's layout before and after each convolution, a tenth of the whole cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx
from onnx import helper

from ttsai_server.engines.shared.graph_editor import GraphEditor
from ttsai_server.errors import EngineFailed

_ELEMENTWISE = ("Abs", "Add", "Cos", "Div", "Exp", "LeakyRelu", "Mod", "Mul", "Pow", "Sin", "Sqrt", "Sub")
_ANY_RANK = (*_ELEMENTWISE, "Concat", "MatMul", "Split", "Transpose")


def as_images(edit: GraphEditor, sequences: Sequence[str]) -> None:
    """Insert a third axis of length 1 everywhere after the inputs `sequences`; the graph's inputs and outputs keep
    their shapes.

    Raises EngineFailed at an operator that the known decoder does not have.
    """
    edit.constants = {k: np.expand_dims(v, 2) if v.ndim == 3 else v for k, v in edit.constants.items()}
    for node in edit.nodes:
        if node.op_type in _WIDEN:
            _WIDEN[node.op_type](edit, node)
        elif node.op_type not in _ANY_RANK:
            raise EngineFailed(f"{node.name!r}: {node.op_type} is not part of the known decoder")
    edit.rename({name: f"{name}.image" for name in sequences})
    for name in sequences:
        edit.nodes.insert(0, helper.make_node("Unsqueeze", [name, edit.index(2)], [f"{name}.image"]))
    edit.prune()


def _convolution(edit: GraphEditor, node: onnx.NodeProto) -> None:
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        if attribute.name in ("kernel_shape", "strides", "dilations"):
            attribute.CopyFrom(helper.make_attribute(attribute.name, [1, *value]))
        elif attribute.name == "output_padding":
            attribute.CopyFrom(helper.make_attribute(attribute.name, [0, *value]))
        elif attribute.name == "pads":
            attribute.CopyFrom(helper.make_attribute(attribute.name, [0, value[0], 0, value[1]]))


def _mean(edit: GraphEditor, node: onnx.NodeProto) -> None:
    node.input[1] = edit.index(2, 3)


def _unsqueeze(edit: GraphEditor, node: onnx.NodeProto) -> None:
    axis = int(edit.constant(node.input[1])[0])
    node.input[1] = edit.index(axis, axis + 1)


def _slice(edit: GraphEditor, node: onnx.NodeProto) -> None:
    if edit.constant(node.input[3]).tolist() == [2]:
        node.input[3] = edit.index(3)


def _pad(edit: GraphEditor, node: onnx.NodeProto) -> None:
    before, after = edit.constant(node.input[1]).reshape(2, 3).tolist()
    node.input[1] = edit.index(*before[:2], 0, before[2], *after[:2], 0, after[2])


def _resize(edit: GraphEditor, node: onnx.NodeProto) -> None:
    scales = edit.constant(node.input[2])
    node.input[2] = edit.add(f"{node.name}.scales", np.insert(scales, 2, 1.0))


def _reshape(edit: GraphEditor, node: onnx.NodeProto) -> None:
    shape = edit.constant(node.input[1]).tolist()
    if len(shape) == 3:
        node.input[1] = edit.index(*shape[:2], 1, shape[2])


_WIDEN: dict[str, Callable[[GraphEditor, onnx.NodeProto], None]] = {
    "Conv": _convolution,
    "ConvTranspose": _convolution,
    "Pad": _pad,
    "ReduceMean": _mean,
    "Reshape": _reshape,
    "Resize": _resize,
    "Slice": _slice,
    "Unsqueeze": _unsqueeze,
}
