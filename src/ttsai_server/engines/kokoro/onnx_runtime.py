"""Kokoro by ONNX Runtime on the CPU, in float32, where OpenVINO does not run."""

from __future__ import annotations

import numpy as np

from ttsai_server.engines.base import Cancellation, Place
from ttsai_server.engines.kokoro.graph import BACK, FRONT, GRAPH, PORTS
from ttsai_server.engines.kokoro.runtime import Runtime, Speech, Step
from ttsai_server.engines.onnx import Session


class OnnxRuntime(Runtime):
    """See Runtime; any number of threads may call it."""

    def __init__(self, place: Place) -> None:
        self._front, self._back = (Session(place.weights / GRAPH / name, place.threads) for name in (FRONT, BACK))

    def speak(self, step: Step, cancellation: Cancellation) -> Speech:
        speed = np.array([step.speed], np.float32)
        middle = self._front.run({"input_ids": step.ids, "style": step.style, "speed": speed}, cancellation)
        made = self._back.run({**{k: middle[k] for k in PORTS}, "style": step.style}, cancellation)
        return Speech(made["waveform"], middle["duration"].reshape(-1))

    def close(self) -> None:
        self._front.close()
        self._back.close()
