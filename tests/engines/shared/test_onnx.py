"""The session is run on a graph of two nodes that the test makes: doubled = 2 · sound, summed = Σ sound."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from ttsai_server.engines.base import Cancellation, Cancelled
from ttsai_server.engines.shared.onnx import Session
from ttsai_server.errors import EngineFailed

SOUND = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    nodes = [
        helper.make_node("Add", ["sound", "sound"], ["doubled"]),
        helper.make_node("ReduceSum", ["sound"], ["summed"], keepdims=0),
    ]
    inputs = [helper.make_tensor_value_info("sound", TensorProto.FLOAT, [2, "frames"])]
    outputs = [
        helper.make_tensor_value_info("doubled", TensorProto.FLOAT, [2, "frames"]),
        helper.make_tensor_value_info("summed", TensorProto.FLOAT, []),
    ]
    made = helper.make_graph(nodes, "two", inputs, outputs)
    path = tmp_path / "two.onnx"
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.fixture
def session(graph: Path) -> Iterator[Session]:
    session = Session(graph, threads=1)
    yield session
    session.close()


def test_outputs_come_by_name(session: Session) -> None:
    made = session.run({"sound": SOUND}, Cancellation())
    assert set(made) == {"doubled", "summed"}
    assert np.array_equal(made["doubled"], 2 * SOUND)
    assert made["summed"] == 15


def test_a_size_that_is_free_counts_one(session: Session) -> None:
    assert session.shapes() == {"sound": (2, 1)}


def test_a_file_that_is_no_graph_is_named(tmp_path: Path) -> None:
    (tmp_path / "two.onnx").write_bytes(b"no graph")
    with pytest.raises(EngineFailed, match=r"two\.onnx can't be loaded"):
        Session(tmp_path / "two.onnx", threads=1)


def test_a_wrong_input_fails(session: Session) -> None:
    with pytest.raises(EngineFailed, match="ONNX Runtime failed"):
        session.run({"sound": SOUND.astype(np.int64)}, Cancellation())


def test_told_to_stop_it_does_not_run(session: Session) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(Cancelled):
        session.run({"sound": SOUND}, cancellation)


def test_closed_twice_it_says_so(session: Session) -> None:
    session.close()
    session.close()
    with pytest.raises(EngineFailed, match="closed"):
        session.run({"sound": SOUND}, Cancellation())
