"""Kokoro by ONNX InferenceBackend on the CPU, in float32, for machines where OpenVINO does not run."""

from __future__ import annotations

from ttsai_server.engines.base import LoadContext
from ttsai_server.engines.kokoro.chain import Chain
from ttsai_server.engines.kokoro.graph import GRAPH, PARTS
from ttsai_server.engines.shared.onnx import Session


class OnnxRuntime(Chain):
    """See InferenceBackend. Thread-safe."""

    def __init__(self, place: LoadContext) -> None:
        super().__init__({name: Session(place.weights / GRAPH / name, place.threads) for name in PARTS})
