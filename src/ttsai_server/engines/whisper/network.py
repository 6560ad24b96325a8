"""The calls of Whisper's network; where wanted, those of several requests are done together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ctranslate2 import DataType, Device, StorageView  # pyright: ignore
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

from ttsai_server.engines.base import Cancellation, Cancelled
from ttsai_server.engines.shared.batching import Batcher

Encoded = Any
"""CTranslate2's StorageView (chunks, rows, size): the encoder's output, on the model's device; or on the CPU, once
it has been cut from a batch."""


@dataclass(frozen=True, slots=True)
class _Call:
    kind: Hashable
    """Calls of one kind can be done together."""
    chunks: int
    inputs: tuple[Any, ...]
    """Each with one entry for each chunk."""
    run: Callable[..., Any]
    """Takes such inputs; its output has one entry for each chunk."""


class Network:
    """Thread-safe. Every method raises Cancelled if it has been cancelled before it runs."""

    def __init__(self, model: WhisperModel, most: int) -> None:
        """most: chunks of one call for several requests; 0: each request has its own calls, at the same time."""
        self.model: Any = model
        self._batcher = Batcher(_together, most, lambda call: call.kind, lambda call: call.chunks) if most else None

    def encode(self, features: NDArray[np.float32], cancellation: Cancellation) -> Encoded:
        """features: (chunks, mels, frames)."""
        return self._do(_Call("encode", len(features), (features,), self.model.encode), cancellation)

    def generate(
        self, encoded: Encoded, prompt: Sequence[int], options: Mapping[str, Any], cancellation: Cancellation
    ) -> list[Any]:
        """Write what each chunk says, after the same prompt. options: of CTranslate2's `generate`."""

        def run(encoded: Encoded, prompts: Sequence[Sequence[int]]) -> list[Any]:
            return self.model.model.generate(encoded, list(prompts), **options)

        count = encoded.shape[0]
        # CTranslate2 wants the same place for the token that starts the transcript, and time stamps for all or none
        kind = ("generate", len(prompt), prompt[-1], repr(sorted(options.items())))
        return self._do(_Call(kind, count, (encoded, [prompt] * count), run), cancellation)

    def align(
        self,
        encoded: Encoded,
        texts: Sequence[Sequence[int]],
        frames: Sequence[int],
        tokenizer: Tokenizer,
        cancellation: Cancellation,
    ) -> list[list[dict[str, Any]]]:
        """Find when the words of each chunk are said. texts: tokens. frames: length of each chunk."""

        def run(encoded: Encoded, texts: Sequence[Sequence[int]], frames: Sequence[int]) -> list[list[dict[str, Any]]]:
            return self.model.find_alignment(tokenizer, [list(text) for text in texts], encoded, list(frames))

        kind = ("align", tuple(tokenizer.sot_sequence))
        return self._do(_Call(kind, len(texts), (encoded, texts, frames), run), cancellation)

    def close(self) -> None:
        if self._batcher:
            self._batcher.close()

    def _do(self, call: _Call, cancellation: Cancellation) -> Any:
        if self._batcher:
            return self._batcher(call, cancellation)
        if cancellation.cancelled:
            raise Cancelled
        return call.run(*call.inputs)


def states(encoded: Encoded) -> NDArray[np.float32]:
    """(chunks, rows, size)."""
    return np.array(encoded.to(DataType.float32).to_device(Device.cpu))


def view(states: NDArray[np.float32]) -> Encoded:
    """states: (chunks, rows, size)."""
    return StorageView.from_array(np.ascontiguousarray(states))


def _together(calls: Sequence[_Call], _: Cancellation) -> list[Any]:
    """Run calls of one kind as one. → the output of each."""
    if len(calls) == 1:
        return [calls[0].run(*calls[0].inputs)]
    ends = np.cumsum([call.chunks for call in calls])
    output = calls[0].run(*(_joined(parts) for parts in zip(*(call.inputs for call in calls), strict=True)))
    if isinstance(output, list):
        return [output[end - call.chunks : end] for call, end in zip(calls, ends, strict=True)]
    return [view(part) for part in np.split(states(output), ends[:-1])]


def _joined(parts: Sequence[Any]) -> Any:
    """One input of all calls: lists, features, or encoders' outputs."""
    if isinstance(parts[0], list | tuple):
        return [entry for part in parts for entry in part]
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    return view(np.concatenate([states(part) for part in parts]))
