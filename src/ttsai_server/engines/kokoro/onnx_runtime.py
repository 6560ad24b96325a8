"""Kokoro by ONNX Runtime on the CPU, in float32, where OpenVINO does not run."""

from __future__ import annotations

from typing import Any

import numpy as np

from ttsai_server.engines.base import Cancellation, Cancelled, Place
from ttsai_server.engines.kokoro.graph import BACK, FRONT, GRAPH, PORTS
from ttsai_server.engines.kokoro.runtime import Runtime, Speech, Step
from ttsai_server.errors import EngineFailed


class OnnxRuntime(Runtime):
    """See Runtime; any number of threads may call it."""

    def __init__(self, place: Place) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = place.threads
        # threads that spin between layers cost a tenth more and win nothing
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._run_options = onnxruntime.RunOptions
        self._parts = [
            onnxruntime.InferenceSession(place.weights / GRAPH / name, options, providers=["CPUExecutionProvider"])
            for name in (FRONT, BACK)
        ]

    def speak(self, step: Step, cancellation: Cancellation) -> Speech:
        front, back = self._parts
        speed = np.array([step.speed], np.float32)
        middle = self._run(front, {"input_ids": step.ids, "style": step.style, "speed": speed}, cancellation)
        inputs = {**{k: middle[k] for k in PORTS}, "style": step.style}
        return Speech(self._run(back, inputs, cancellation)["waveform"], middle["duration"].reshape(-1))

    def _run(self, session: Any, inputs: dict[str, Any], cancellation: Cancellation) -> dict[str, Any]:
        options = self._run_options()
        names = [output.name for output in session.get_outputs()]
        with cancellation.interrupting(lambda: setattr(options, "terminate", True)):
            try:
                return dict(zip(names, session.run(names, inputs, options), strict=True))
            except Exception as error:  # the library's own exceptions share no other base
                raise Cancelled if cancellation.cancelled else EngineFailed(f"ONNX Runtime failed: {error}") from error

    def close(self) -> None:
        self._parts = []
