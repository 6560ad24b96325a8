"""ONNX Runtime on the CPU, with runs that can be cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ttsai_server.engines.base import Cancellation, Cancelled
from ttsai_server.errors import EngineFailed

Arrays = Mapping[str, NDArray[Any]]


class Session:
    """A loaded graph; thread-safe. onnxruntime is imported when the first one is created."""

    def __init__(self, graph: Path | bytes, threads: int) -> None:
        """graph: its file, or what would be in it. threads: of one run. Raises EngineFailed for what is not a graph."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # spinning between layers costs a tenth more CPU and is no faster
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._run_options = onnxruntime.RunOptions
        try:
            self._session: Any = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the library's own exceptions share no other base
            name = graph.name if isinstance(graph, Path) else "A graph"
            raise EngineFailed(f"{name} can't be loaded: {error}") from error
        self._outputs = [output.name for output in self._session.get_outputs()]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Input name → shape; a dynamic dimension is given as 1."""
        inputs = self._open.get_inputs()
        return {node.name: tuple(s if isinstance(s, int) else 1 for s in node.shape) for node in inputs}

    def run(self, inputs: Arrays, cancellation: Cancellation) -> dict[str, NDArray[Any]]:
        """Run the graph; returns its outputs by name.

        Raises Cancelled soon after it was cancelled, EngineFailed for a fault or once closed.
        """
        session, options = self._open, self._run_options()
        with cancellation.interrupting(lambda: setattr(options, "terminate", True)):
            try:
                return dict(zip(self._outputs, session.run(self._outputs, dict(inputs), options), strict=True))
            except Exception as error:  # the library's own exceptions share no other base
                raise Cancelled if cancellation.cancelled else EngineFailed(f"ONNX Runtime failed: {error}") from error

    def close(self) -> None:
        """Free the graph. Idempotent."""
        self._session = None

    @property
    def _open(self) -> Any:
        if self._session is None:
            raise EngineFailed("The engine is closed.")
        return self._session
