"""What an ONNX graph takes and gives: how tiny graphs are compared with the published ones that they stand for."""

from collections.abc import Mapping
from pathlib import Path

from onnx import TensorProto, load

Ends = Mapping[str, tuple[str, tuple[int | None, ...]]]
"""Input or output → its type, as ONNX names it, and its shape; None: a size that may vary."""


def ends(file: Path) -> Ends:
    graph = load(file, load_external_data=False).graph
    kinds = {end.name: end.type.tensor_type for end in (*graph.input, *graph.output)}
    return {
        name: (TensorProto.DataType.Name(kind.elem_type), tuple(size.dim_value or None for size in kind.shape.dim))
        for name, kind in kinds.items()
    }


def resized(published: Ends, sizes: Mapping[int, int]) -> Ends:
    """The published ends with the sizes of a tiny graph. sizes: published size → the tiny graph's."""
    return {
        name: (kind, tuple(size and sizes.get(size, size) for size in shape))
        for name, (kind, shape) in published.items()
    }
