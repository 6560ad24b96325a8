"""Reverts ONNX Runtime's dynamic int8 quantisation: replaces integer operators by the original float operators.

ONNX Runtime's dynamic quantiser (its documentation, "Quantize ONNX models") replaces ``MatMul`` and ``Conv`` by
``DynamicQuantizeLinear -> MatMulInteger|ConvInteger -> (+ rounded bias) -> Cast -> * scale``, ``LSTM`` by
``com.microsoft.DynamicQuantizeLSTM`` and embedding tables by ``Gather -> DequantizeLinear``. The float operator can be
restored from each: weight = (q - zero point) * scale, and the float bias is still in the file.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx

from ttsai_server.engines.shared.graph_editor import GraphEditor, expect, one, other_input

Array = npt.NDArray[np.float32]


def dequantise(edit: GraphEditor) -> None:
    """Replace every quantised operator of the graph by its float32 original, in place; a float graph is unchanged.

    Raises EngineFailed if an operator was not quantised in the known way.
    """
    for node in edit.of("MatMulInteger"):
        _restore(edit, node, "MatMul", axis=-1)
    for node in edit.of("ConvInteger"):
        _restore(edit, node, "Conv", axis=0)
    for node in edit.of("DynamicQuantizeLSTM"):
        _restore_lstm(edit, node)
    for node in edit.of("DequantizeLinear"):
        _restore_table(edit, node)
    edit.prune()


def _restore(edit: GraphEditor, node: onnx.NodeProto, op: str, axis: int) -> None:
    """Replace an integer operator, its bias if any, and the scaling that follows by one float `op`."""
    activation = edit.producer(node.input[0], "DynamicQuantizeLinear").input[0]
    bias, cast = [], edit.only_consumer(node.output[0])
    if cast.op_type == "Add":
        bias, cast = [_float_bias(edit, cast, node.output[0])], edit.only_consumer(cast.output[0])
    scaled = expect(edit.only_consumer(expect(cast, "Cast").output[0]), "Mul")
    scale = _weight_scale(edit, other_input(scaled, cast.output[0]))
    weight = _float_weight(edit, node.input[1], scale, node.input[3], axis)
    edit.replace(scaled, op, [activation, weight, *bias], node.attribute)


def _weight_scale(edit: GraphEditor, product: str) -> str:
    """The constant factor of `activation scale * weight scale`."""
    factors = [name for name in edit.producer(product, "Mul").input if name in edit.constants]
    return one(factors, f"weight scale behind {product!r}")


def _float_bias(edit: GraphEditor, add: onnx.NodeProto, product: str) -> str:
    """Name of the float bias, which the graph rounds at run time: Div -> Floor -> Cast -> Reshape -> `add`."""
    name = other_input(add, product)
    for op in ("Reshape", "Cast", "Floor", "Div"):
        name = edit.producer(name, op).input[0]
    return name


def _float_weight(edit: GraphEditor, quantised: str, scale: str, zero: str, axis: int) -> str:
    """Name of the float32 constant (q - zero) * scale; scale and zero are scalars or vectors along `axis` of q."""
    name = f"{quantised}.float"
    if name not in edit.constants:
        q = edit.constant(quantised)
        edit.constants[name] = (_wide(q) - _along(edit.constant(zero), q, axis)) * _along(edit.constant(scale), q, axis)
    return name


def _restore_lstm(edit: GraphEditor, node: onnx.NodeProto) -> None:
    """DynamicQuantizeLSTM holds W and R as (directions, in, 4 hidden); ONNX's LSTM as (directions, 4 hidden, in)."""
    names: list[str] = []
    for quantised, scale, zero in ((node.input[1], *node.input[8:10]), (node.input[2], *node.input[10:12])):
        q, s, z = (edit.constant(n) for n in (quantised, scale, zero))
        per_direction = (q.shape[0], 1, -1)  # one scale a direction, or one a gate row
        value = (_wide(q) - _wide(z).reshape(per_direction)) * _wide(s).reshape(per_direction)
        edit.constants[f"{quantised}.float"] = value.transpose(0, 2, 1)
        names.append(f"{quantised}.float")
    kept = [a for a in node.attribute if a.name != "input_forget"]
    edit.replace(node, "LSTM", [node.input[0], *names, *node.input[3:8]], kept)


def _restore_table(edit: GraphEditor, node: onnx.NodeProto) -> None:
    """Replace Gather from an int8 table and DequantizeLinear by Gather from the float table."""
    gather = edit.producer(node.input[0], "Gather")
    table = _float_weight(edit, gather.input[0], node.input[1], node.input[2], axis=-1)
    edit.replace(node, "Gather", [table, gather.input[1]], gather.attribute)


def _wide(values: npt.NDArray[np.generic]) -> Array:
    return values.astype(np.float32)


def _along(values: npt.NDArray[np.generic], q: npt.NDArray[np.generic], axis: int) -> Array:
    """Reshape a scalar, or a vector along `axis`, to broadcast against `q`."""
    shape = [1] * q.ndim
    shape[axis] = -1
    return _wide(values).reshape(shape if values.ndim else ())
