"""Edits an ONNX graph: looks up producers, consumers and constants, replaces nodes, removes what became unused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy, deepcopy
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from ttsai_server.errors import EngineFailed

T = TypeVar("T")
Constant = npt.NDArray[Any]


class GraphEditor:
    """A graph as lists that are cheap to edit; `model` builds the edited graph.

    Look-ups raise EngineFailed if the graph is not of the expected form.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self.nodes = list(model.graph.node)
        self.constants: dict[str, Constant] = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        self.inputs = list(model.graph.input)
        self.outputs = list(model.graph.output)
        self._inserted = 0
        self._index()

    def of(self, *ops: str) -> list[onnx.NodeProto]:
        """All nodes with one of those operators, in the graph's order."""
        return [n for n in self.nodes if n.op_type in ops]

    def constant(self, name: str) -> Constant:
        """A constant's value."""
        if name not in self.constants:
            raise EngineFailed(f"{name!r} is not a constant of the graph")
        return self.constants[name]

    def producer(self, name: str, op: str) -> onnx.NodeProto:
        """The node whose output is `name`; its operator must be `op`."""
        if name not in self._producers:
            raise EngineFailed(f"nothing makes {name!r}; expected a {op}")
        return expect(self._producers[name], op)

    def made_by(self, op: str) -> set[str]:
        """Names of all outputs of nodes with operator `op`."""
        return {out for n in self.of(op) for out in n.output}

    def consumers(self, name: str) -> list[onnx.NodeProto]:
        """The nodes that read `name`."""
        return self._consumers.get(name, [])

    def only_consumer(self, name: str) -> onnx.NodeProto:
        """The single node that reads `name`."""
        return one(self.consumers(name), f"reader of {name!r}")

    def replace(
        self,
        node: onnx.NodeProto,
        op: str,
        inputs: Sequence[str],
        attributes: Iterable[onnx.AttributeProto] = (),
    ) -> None:
        """Replace `node`, in place, by a standard `op` with the same outputs and name."""
        new = helper.make_node(op, list(inputs), list(node.output), name=node.name)
        new.attribute.extend(attributes)
        node.CopyFrom(new)

    def put_before(self, node: onnx.NodeProto, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Insert a standard `op` before `node`; returns the name of its output."""
        self._inserted += 1
        name = f"{node.output[0]}/{self._inserted}"
        position = next(i for i, n in enumerate(self.nodes) if n is node)
        self.nodes.insert(position, helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def add(self, name: str, value: Constant) -> str:
        """Add a constant, or replace it; returns its name."""
        self.constants[name] = value
        return name

    def number(self, value: float) -> str:
        """Name of a float32 scalar constant."""
        return self.add(f"number:{value!r}", np.array(value, np.float32))

    def index(self, *values: int) -> str:
        """Name of an int64 vector constant."""
        return self.add(f"index:{values}", np.array(values, np.int64))

    def prune(self) -> None:
        """Remove the nodes and constants that no graph output depends on."""
        needed = {o.name for o in self.outputs}
        kept: list[onnx.NodeProto] = []
        for node in reversed(self.nodes):
            if needed.intersection(node.output):
                kept.append(node)
                needed.update(node.input)
        self.nodes = kept[::-1]
        self.constants = {k: v for k, v in self.constants.items() if k in needed}
        self._index()

    def rename(self, names: Mapping[str, str]) -> None:
        """Rename values throughout."""
        for node in self.nodes:
            for ports in (node.input, node.output):
                for i, name in enumerate(ports):
                    ports[i] = names.get(name, name)
        self._index()

    def part(self, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto]) -> GraphEditor:
        """The subgraph between those values, as a new editor that shares the constants."""
        cut = {value.name for value in inputs}
        part = copy(self)
        part.inputs, part.outputs = list(inputs), list(outputs)
        part.nodes = [deepcopy(n) for n in self.nodes if not cut.intersection(n.output)]
        part.prune()
        return part

    def model(self, name: str, opset: int, ir_version: int) -> onnx.ModelProto:
        """The edited graph as a model that uses the standard operator set only."""
        tensors = [numpy_helper.from_array(np.asarray(v, order="C"), k) for k, v in self.constants.items()]
        graph = helper.make_graph(self.nodes, name, self.inputs, self.outputs, tensors)
        opsets = [helper.make_opsetid("", opset)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=ir_version, producer_name="ttsai-server")

    def _index(self) -> None:
        self._producers = {out: n for n in self.nodes for out in n.output if out}
        self._consumers: dict[str, list[onnx.NodeProto]] = {}
        for node in self.nodes:
            for name in node.input:
                self._consumers.setdefault(name, []).append(node)


def expect(node: onnx.NodeProto, op: str) -> onnx.NodeProto:
    """`node` itself, if it is an `op`; else raises EngineFailed."""
    if node.op_type != op:
        raise EngineFailed(f"{node.name!r} is a {node.op_type}; expected a {op}")
    return node


def one(found: Sequence[T], what: str) -> T:
    """The only element of `found`; else raises EngineFailed."""
    if len(found) != 1:
        raise EngineFailed(f"expected one {what}, found {len(found)}")
    return found[0]


def other_input(node: onnx.NodeProto, name: str) -> str:
    """The input of a two-input node that is not `name`."""
    return one([i for i in node.input if i != name], f"second input of {node.name!r}")


def attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    """The value of a node's attribute, or `default` where it has none."""
    found = [helper.get_attribute_value(a) for a in node.attribute if a.name == name]
    return found[0] if found else default
