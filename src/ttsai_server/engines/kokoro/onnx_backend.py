"""Kokoro by ONNX InferenceBackend on the CPU, in float32, for machines where OpenVINO does not run."""

from __future__ import annotations

from threading import Semaphore

from ttsai_server.engines.base import Cancellation, LoadContext
from ttsai_server.engines.kokoro.chain import Arrays, Chain
from ttsai_server.engines.kokoro.graph import GRAPH, PARTS
from ttsai_server.engines.shared.onnx import Session


class OnnxRuntime(Chain):
    """See InferenceBackend. `concurrency` graphs run at a time, each with `place.threads` threads."""

    def __init__(self, place: LoadContext, concurrency: int) -> None:
        super().__init__({name: Session(place.weights / GRAPH / name, place.threads) for name in PARTS})
        self._turns = Semaphore(concurrency)
        """As many threads come as PyTorch takes on a GPU, if this stands in for it."""

    def _run(self, name: str, known: Arrays, cancellation: Cancellation) -> Arrays:
        with self._turns:
            return super()._run(name, known, cancellation)
