"""Kokoro by OpenVINO on the CPU: the front in float32, the back in the best precision that the CPU has."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np

from ttsai_server.engines.base import Cancellation, Cancelled, Place
from ttsai_server.engines.kokoro.graph import BACK, FRONT, GRAPH, PARTS, PORTS
from ttsai_server.engines.kokoro.memory import forget_pages, return_freed_memory
from ttsai_server.engines.kokoro.runtime import Precision, Runtime, Speech, Step
from ttsai_server.errors import EngineFailed

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

Tensors = dict[str, Any]
KERNELS_KEPT = "32"
"""oneDNN's cache of kernels. Each length of text has its own; 1,024, the default, are 150 MB that win nothing."""


def convert(folder: Path) -> None:
    """Put OpenVINO's own form of the graphs beside them: float16 weights that are mapped, not read, into memory.

    OpenVINO keeps the given weights beside the layout that its kernels want. Float16 rounds one by at most a part in
    2048, a hundredth of what int8 did: 66 dB below the sound, where computing in bfloat16 is 27 dB below.
    """
    import openvino

    for part in PARTS:
        draft = (folder / f"draft-{part}").with_suffix(".xml")
        openvino.save_model(openvino.Core().read_model(folder / part), draft, compress_to_fp16=True)
        for suffix in (".bin", ".xml"):  # the one that is looked for comes last
            draft.with_suffix(suffix).replace((folder / part).with_suffix(suffix))


class OpenVino(Runtime):
    """See Runtime. Each of `concurrency` streams has `place.threads` threads."""

    def __init__(self, place: Place, precision: Precision, concurrency: int) -> None:
        os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", KERNELS_KEPT)  # read when the library starts
        import openvino

        return_freed_memory()
        core = openvino.Core()
        back_precision = _best(core) if precision == "auto" else precision
        self._front = _Part(core, place.weights / GRAPH / FRONT, "f32", place.threads, concurrency)
        self._back = _Part(core, place.weights / GRAPH / BACK, back_precision, place.threads, concurrency)
        self.speak(Step(np.zeros((1, 4), np.int64), np.zeros((1, 256), np.float32), 1.0), Cancellation())
        forget_pages(place.weights / GRAPH)  # the first step has copied the weights to the layout of its kernels

    def speak(self, step: Step, cancellation: Cancellation) -> Speech:
        speed = np.array([step.speed], np.float32)
        middle = self._front.run({"input_ids": step.ids, "style": step.style, "speed": speed}, cancellation)
        waveform = self._back.run({**{k: middle[k] for k in PORTS}, "style": step.style}, cancellation)["waveform"]
        return Speech(waveform, middle["duration"].reshape(-1))

    def close(self) -> None:
        self._front.close()
        self._back.close()


class _Part:
    """One compiled graph and its idle requests."""

    def __init__(self, core: Any, path: Path, precision: str, threads: int, streams: int) -> None:
        options = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads * streams,
            "NUM_STREAMS": streams,
            # a text has a shape of its own: kernels kept for each shape would only pile up
            "CPU_RUNTIME_CACHE_CAPACITY": 0,
        }
        try:
            converted = path.with_suffix(".xml")
            model = core.compile_model(converted if converted.is_file() else path, "CPU", options)
        except RuntimeError as error:
            raise EngineFailed(f"OpenVINO can't run {path.name}: {error}") from error
        self._idle: SimpleQueue[Any] = SimpleQueue()
        for _ in range(streams):
            self._idle.put(model.create_infer_request())

    def run(self, inputs: Mapping[str, Any], cancellation: Cancellation) -> Tensors:
        """Outputs by name, copied out of the request."""
        with self._request() as request, cancellation.interrupting(request.cancel):
            try:
                request.start_async(inputs, share_inputs=True)
                if cancellation.cancelled:  # between the last look and the start
                    request.cancel()
                request.wait()
            except RuntimeError as error:
                raise Cancelled if cancellation.cancelled else EngineFailed(f"OpenVINO failed: {error}") from error
            return {port.any_name: np.array(request.get_tensor(port).data) for port in request.model_outputs}

    @contextmanager
    def _request(self) -> Generator[Any]:
        request = self._idle.get()
        try:
            yield request
        finally:
            self._idle.put(request)

    def close(self) -> None:
        self._idle = SimpleQueue()


def _best(core: Any) -> str:
    """bf16 where the CPU computes it (AMX or AVX-512 BF16), else f32."""
    return "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
