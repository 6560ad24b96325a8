"""FFmpeg's audio filters on a stream of samples, through PyAV, which is imported at the first use: it is 18 MB."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.filter.context import FilterContext

Filter = tuple[str, Mapping[str, str | float]]
"""FFmpeg's name of a filter, and its options."""
_FRAME = 4800
"""Frames passed to FFmpeg at once: its allocations are capped, see `decode`."""
_FORMAT = "flt"
_LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")
"""The commonest channel layout for 1 to 8 channels. Without a named layout, FFmpeg's equalisers silently filter no
channel."""


class Filters:
    """A chain of filters, each fed by the one before. Not thread-safe."""

    def __init__(self, rate: int, channels: int, chain: Sequence[Filter]) -> None:
        """rate: Hertz, of input and output. channels: 1 to 8, in FFmpeg's order."""
        from av.filter import Graph

        self.metadata: dict[str, str] = {}
        """The latest value of each metadata key that the filters have set on their frames."""
        self._rate, self._channels, self._done = rate, channels, 0
        self._layout = _LAYOUTS[channels - 1]
        self._graph = Graph()
        self._graph.threads = 1
        source = self._graph.add_abuffer(sample_rate=rate, format=_FORMAT, layout=self._layout)
        ends: Sequence[Filter] = [("aformat", {"sample_fmts": _FORMAT, "sample_rates": rate}), ("abuffersink", {})]
        self._graph.link_nodes(source, *map(self._node, [*chain, *ends])).configure()

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Filter more samples, (n, channels); returns the filtered samples that are ready, possibly none."""
        from av.audio.frame import AudioFrame

        ready: list[NDArray[np.float32]] = []
        for start in range(0, len(samples), _FRAME):
            data = np.ascontiguousarray(samples[start : start + _FRAME], np.float32)
            frame = AudioFrame.from_ndarray(data.reshape(1, -1), _FORMAT, self._layout)
            frame.sample_rate, frame.pts = self._rate, self._done
            self._done += len(data)
            self._graph.push(frame)
            ready += self._pulled()
        return self._joined(ready)

    def finish(self) -> NDArray[np.float32]:
        """The rest of the filtered samples; nothing may be pushed after it."""
        self._graph.push(None)
        return self._joined(list(self._pulled()))

    def _node(self, filter: Filter) -> "FilterContext":
        name, options = filter
        return self._graph.add(name, None, **{key: str(value) for key, value in options.items()})

    def _pulled(self) -> Iterator[NDArray[np.float32]]:
        from av.error import BlockingIOError, EOFError

        while True:
            try:
                frame = self._graph.pull()
            except (BlockingIOError, EOFError):
                return
            self.metadata.update({key: str(value) for key, value in frame.metadata.items()})
            yield cast("AudioFrame", frame).to_ndarray().reshape(-1, self._channels).astype(np.float32, copy=False)

    def _joined(self, pieces: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.concatenate([np.zeros((0, self._channels), np.float32), *pieces])
