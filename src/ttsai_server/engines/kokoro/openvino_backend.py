"""Kokoro by OpenVINO on the CPU: prosody in float32, the rest in bfloat16 if the CPU supports it."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np

from ttsai_server.engines.base import Cancellation, Cancelled, LoadContext
from ttsai_server.engines.kokoro.backend import PhonemeChunk, Precision
from ttsai_server.engines.kokoro.chain import Chain
from ttsai_server.engines.kokoro.graph import DECODER, GRAPH, PARTS, PROSODY
from ttsai_server.engines.kokoro.memory import forget_pages
from ttsai_server.errors import EngineFailed
from ttsai_server.memory import return_freed

if TYPE_CHECKING:
    from collections.abc import Container, Generator, Mapping

Tensors = dict[str, Any]
logger = logging.getLogger(__name__)
KERNELS_KEPT = {DECODER: 256}
"""Graph → cached kernels: those of the decoder's last four or five input lengths, 40 MB; saves a twelfth of the CPU."""
APART = {"SNIPPETS_MODE": "DISABLE"}
"""For the decoder: keeps OpenVINO from fusing the small vectors of a norm with large kernels; saves a tenth of the CPU.

OpenVINO does not document this option and may reject it one day.
"""
ELSE_KEPT = 8
"""Cached kernels of the other graphs, those of one inference: input lengths differ, so more would not be reused."""


def convert(folder: Path) -> None:
    """Save the graphs in `folder` also in OpenVINO's format, with float16 weights, which it maps into memory.

    OpenVINO keeps the given weights in memory beside its own copy in the layout of its kernels. The error of float16
    weights is 66 dB below the sound; that of computing in bfloat16 is 27 dB below.
    """
    import openvino

    for part in PARTS:
        draft = (folder / f"draft-{part}").with_suffix(".xml")
        openvino.save_model(openvino.Core().read_model(folder / part), draft, compress_to_fp16=True)
        for suffix in (".bin", ".xml"):  # the .xml last: its presence means that both are complete
            draft.with_suffix(suffix).replace((folder / part).with_suffix(suffix))


class OpenVino(Chain):
    """See InferenceBackend. Each of `concurrency` streams has `place.threads` threads."""

    def __init__(self, place: LoadContext, precision: Precision, concurrency: int) -> None:
        # read when the library starts; the default, 1,024, takes 150 MB and gains nothing beside OpenVINO's own cache
        os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")
        import openvino

        return_freed()
        core = openvino.Core()
        best = _best(core) if precision == "auto" else precision
        # prosody is hundreds of small operators and recurrences: a second thread would mostly wait
        setups = {name: ("f32", 1) if name == PROSODY else (best, place.threads) for name in PARTS}
        super().__init__({n: _Part(core, place.weights / GRAPH / n, *s, concurrency) for n, s in setups.items()})
        self.speak(PhonemeChunk(np.zeros((1, 4), np.int64), np.zeros((1, 256), np.float32), 1.0), Cancellation())
        forget_pages(place.weights / GRAPH)  # the first run has copied the weights to the kernels' layout


class _Part:
    """One compiled graph and its idle infer requests.

    Cancelling an inference leaves OpenVINO's graph in an inconsistent state: some operators keep shapes of the
    cancelled input although they are recorded as computed for the previous one. If an input of the previous length
    follows, those shapes are not recomputed, and every inference fails from then on (seen in 2026.4). So after a
    cancellation we run a tiny input of a third length, which resets all shapes.
    """

    def __init__(self, core: Any, path: Path, precision: str, threads: int, streams: int) -> None:
        options = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads * streams,
            "NUM_STREAMS": streams,
            "CPU_RUNTIME_CACHE_CAPACITY": KERNELS_KEPT.get(path.name, ELSE_KEPT),
            # equal shares of the work, without work stealing; never slower in our measurements on two cores
            **({"TBB_PARTITIONER": "STATIC"} if "TBB_PARTITIONER" in _known(core) else {}),
        }
        try:
            converted = path.with_suffix(".xml")
            model = _compiled(core, converted if converted.is_file() else path, options)
        except RuntimeError as error:
            raise EngineFailed(f"OpenVINO can't run {path.name}: {error}") from error
        self._takes = PARTS[path.name]
        self._length = 0
        """Input length of the previous inference."""
        self._cancellable = streams == 1
        """With several streams each has its own graph, and it isn't known which one to reset, so we cancel none."""
        self._idle: SimpleQueue[Any] = SimpleQueue()
        for _ in range(streams):
            self._idle.put(model.create_infer_request())

    def run(self, inputs: Mapping[str, Any], cancellation: Cancellation) -> Tensors:
        """Outputs by name, copied from the request's memory."""
        with self._request() as request, cancellation.interrupting(request.cancel if self._cancellable else _go_on):
            try:
                request.start_async(inputs, share_inputs=True)
                if cancellation.cancelled and self._cancellable:  # cancelled before the start
                    request.cancel()
                request.wait()
            except RuntimeError as error:
                self._reset(request, _length(inputs))
                raise Cancelled if cancellation.cancelled else EngineFailed(f"OpenVINO failed: {error}") from error
            self._length = _length(inputs)
            return {port.any_name: np.array(request.get_tensor(port).data) for port in request.model_outputs}

    def _reset(self, request: Any, broken: int) -> None:
        """Run a tiny input, see the class. broken: input length of the failed or cancelled inference."""
        length = next(length for length in (4, 5, 6) if length not in (broken, self._length))
        every = _of_length(length)
        request.infer({name: every[name] for name in self._takes})
        self._length = length

    @contextmanager
    def _request(self) -> Generator[Any]:
        request = self._idle.get()
        try:
            yield request
        finally:
            self._idle.put(request)

    def close(self) -> None:
        self._idle = SimpleQueue()


def _compiled(core: Any, path: Path, options: Mapping[str, Any]) -> Any:
    if path.stem == Path(DECODER).stem:
        try:
            return core.compile_model(path, "CPU", {**options, **APART})
        except RuntimeError as error:
            logger.warning("OpenVINO refuses %s; without it speech takes a tenth more CPU: %s", APART, error)
    return core.compile_model(path, "CPU", options)


def _go_on() -> None:
    """Do nothing: an inference that can't be cancelled runs to its end."""


def _length(inputs: Mapping[str, Any]) -> int:
    """Input length: the size of the first input's last axis."""
    return next(iter(inputs.values())).shape[-1]


def _of_length(length: int) -> Tensors:
    """Inputs of all graphs, by name, for that length."""
    shapes = {"context": (1, length, 512), "style": (1, 256), "speed": (1,), "shares": (2,), "asr": (1, 512, length)}
    shapes |= {"f0": (1, 2 * length), "energy": (1, 2 * length), "harmonics": (1, 22, 120 * length + 1)}
    floats = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    return {"input_ids": np.zeros((1, length), np.int64), **floats}


def _known(core: Any) -> Container[str]:
    """Options that this version of OpenVINO supports."""
    return core.get_property("CPU", "SUPPORTED_PROPERTIES")


def _best(core: Any) -> str:
    """bf16 if the CPU supports it (AMX or AVX-512 BF16), else f32."""
    return "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
