"""Kokoro by OpenVINO on the CPU: prosody in float32, the rest in the best precision that the CPU has."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np

from ttsai_server.engines.base import Cancellation, Cancelled, LoadContext
from ttsai_server.engines.kokoro.chain import Chain
from ttsai_server.engines.kokoro.graph import DECODER, GRAPH, PARTS, PROSODY
from ttsai_server.engines.kokoro.memory import forget_pages
from ttsai_server.engines.kokoro.runtime import Precision, Step
from ttsai_server.errors import EngineFailed
from ttsai_server.memory import return_freed

if TYPE_CHECKING:
    from collections.abc import Container, Generator, Mapping

Tensors = dict[str, Any]
logger = logging.getLogger(__name__)
KERNELS_KEPT = {DECODER: 256}
"""Those of the decoder's last four or five lengths, 40 MB: a twelfth of the CPU."""
APART = {"SNIPPETS_MODE": "DISABLE"}
"""For the decoder: lest OpenVINO joins the small vectors of a norm with the large kernels beside, a tenth of the CPU.

An option that it does not list, and may one day refuse.
"""
ELSE_KEPT = 8
"""Those of one inference: equal layers share a kernel. A text has a length of its own, and more would pile up."""


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


class OpenVino(Chain):
    """See Runtime. Each of `concurrency` streams has `place.threads` threads."""

    def __init__(self, place: LoadContext, precision: Precision, concurrency: int) -> None:
        # read when the library starts; 1,024, the default, are 150 MB that win nothing beside OpenVINO's own
        os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")
        import openvino

        return_freed()
        core = openvino.Core()
        best = _best(core) if precision == "auto" else precision
        # prosody is hundreds of small operators and recurrences: a second thread would mostly wait
        ways = {name: ("f32", 1) if name == PROSODY else (best, place.threads) for name in PARTS}
        super().__init__({n: _Part(core, place.weights / GRAPH / n, *way, concurrency) for n, way in ways.items()})
        self.speak(Step(np.zeros((1, 4), np.int64), np.zeros((1, 256), np.float32), 1.0), Cancellation())
        forget_pages(place.weights / GRAPH)  # the first step has copied the weights to the layout of its kernels


class _Part:
    """One compiled graph and its idle requests.

    An inference that is cut short leaves OpenVINO's graph in between: shapes of the operators ahead are those of the
    new input, but they count as worked out for the input before, so if that one's length comes again they are not
    worked out anew, and every inference fails from then on (seen in 2026.4). A tiny input of a length that is neither
    the one's nor the other's puts all of them right.
    """

    def __init__(self, core: Any, path: Path, precision: str, threads: int, streams: int) -> None:
        options = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads * streams,
            "NUM_STREAMS": streams,
            "CPU_RUNTIME_CACHE_CAPACITY": KERNELS_KEPT.get(path.name, ELSE_KEPT),
            # equal shares of the work, nobody steals; never slower where it was tried, on two cores
            **({"TBB_PARTITIONER": "STATIC"} if "TBB_PARTITIONER" in _known(core) else {}),
        }
        try:
            converted = path.with_suffix(".xml")
            model = _compiled(core, converted if converted.is_file() else path, options)
        except RuntimeError as error:
            raise EngineFailed(f"OpenVINO can't run {path.name}: {error}") from error
        self._takes = PARTS[path.name]
        self._length = 0
        """Of the inference before."""
        self._alone = streams == 1
        """Several streams have a graph each, and no one tells which of them a request has met: none is cut short."""
        self._idle: SimpleQueue[Any] = SimpleQueue()
        for _ in range(streams):
            self._idle.put(model.create_infer_request())

    def run(self, inputs: Mapping[str, Any], cancellation: Cancellation) -> Tensors:
        """Outputs by name, copied out of the request."""
        with self._request() as request, cancellation.interrupting(request.cancel if self._alone else _go_on):
            try:
                request.start_async(inputs, share_inputs=True)
                if cancellation.cancelled and self._alone:  # between the last look and the start
                    request.cancel()
                request.wait()
            except RuntimeError as error:
                self._mend(request, _length(inputs))
                raise Cancelled if cancellation.cancelled else EngineFailed(f"OpenVINO failed: {error}") from error
            self._length = _length(inputs)
            return {port.any_name: np.array(request.get_tensor(port).data) for port in request.model_outputs}

    def _mend(self, request: Any, broken: int) -> None:
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
    """An inference that can't be cut short is finished."""


def _length(inputs: Mapping[str, Any]) -> int:
    """That of the last axis of the first."""
    return next(iter(inputs.values())).shape[-1]


def _of_length(length: int) -> Tensors:
    """Inputs of all parts, by name."""
    shapes = {"context": (1, length, 512), "style": (1, 256), "speed": (1,), "shares": (2,), "asr": (1, 512, length)}
    shapes |= {"f0": (1, 2 * length), "energy": (1, 2 * length), "harmonics": (1, 22, 120 * length + 1)}
    floats = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    return {"input_ids": np.zeros((1, length), np.int64), **floats}


def _known(core: Any) -> Container[str]:
    """Options that this version of OpenVINO has."""
    return core.get_property("CPU", "SUPPORTED_PROPERTIES")


def _best(core: Any) -> str:
    """bf16 where the CPU computes it (AMX or AVX-512 BF16), else f32."""
    return "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
