"""The publisher's Kokoro, run on several chunks at once so that each sounds as it does alone.

Chunks of a batch differ in length, and the shorter ones are padded. Four parts of the network would hear the padding:

- instance norms average over time: they get statistics of an item's own values (`_InstanceNorm`);
- convolutions reach past an item's end, where alone they find zeros: what is there is set to zero before each;
- LSTMs run backwards from the end: they get packed sequences;
- the Fourier transforms mirror the sound at its end, and divide by the windows that overlap there: see `_Stft`.

In float64 a chunk differs by rounding only, whatever it is batched with; in float32 by what rounding does to the phases
of the model's harmonics, which are sums over the whole chunk.

With half precision, the decoder's convolutions and linear layers compute in bfloat16. What comes before it does not, as
it rounds durations; nor do statistics of norms, the harmonics, and all from the last convolution to the waveform, which
bfloat16 would spoil.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from operator import mul
from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports] - an extra
from torch.nn.utils.rnn import (  # pyright: ignore[reportMissingImports]
    pack_padded_sequence,
    pad_packed_sequence,
    pad_sequence,
)

from ttsai_server.engines.kokoro.backend import PhonemeChunk

FRAME = 600
"""Samples per frame."""
STYLE = 128
"""The first half of a style vector is of the decoder, the second of the prosody."""
MOST_FRAMES = 8000
"""Of a group that is decoded at once, padding included: bounds memory, at some 300 kB a frame (computed)."""
LEAST_FILLED = 0.5
"""A chunk is not decoded with one that is longer by more than this: 0.5, twice as long. Not measured on a GPU."""

Tensor = Any


@dataclass(frozen=True, slots=True)
class _Text:
    """What the first half of the model makes of the phonemes of a batch, padded to the longest."""

    style: Tensor
    """(batch, 256)."""
    prosody: Tensor
    """(batch, ids, 640)."""
    phonemes: Tensor
    """(batch, 512, ids)."""
    durations: Tensor
    """(batch, ids), frames; 0 in the padding."""

    def of(self, items: Sequence[int]) -> _Text:
        rows = torch.tensor(items, device=self.style.device)
        return _Text(self.style[rows], self.prosody[rows], self.phonemes[rows], self.durations[rows])


class BatchedModel:
    def __init__(self, model: Any, *, half: bool = False) -> None:
        """model: a KModel with its weight norm folded; its norms, convolutions and transforms are changed in place.

        half: whether the decoder computes in bfloat16, where that is safe.
        """
        self._model, self._half = model, half
        decoder, predictor = model.decoder, model.predictor
        strides = [up.stride[0] for up in decoder.generator.ups]
        self._padding = _Padding([1, *accumulate(strides, mul, initial=2)])
        for part in (decoder, predictor.F0, predictor.N):
            self._let_ignore_padding(part)
        generator = decoder.generator
        generator.stft = _Stft(generator.stft, self._padding)
        if half:
            generator.m_source = _InFloat32(generator.m_source)
            generator.conv_post = _InFloat32(generator.conv_post)

    def speak(self, chunks: Sequence[PhonemeChunk]) -> list[tuple[Tensor, Tensor]]:
        """Of each chunk: its waveform, (samples,), and the frames that its ids last, (ids,). Not thread-safe.

        To be called in PyTorch's inference mode.
        """
        text = self._read(chunks)
        spoken: dict[int, tuple[Tensor, Tensor]] = {}
        for items in groups(text.durations.sum(1).tolist()):
            frames, waveforms = self._decode(text.of(items))
            for item, count, waveform in zip(items, frames, waveforms, strict=True):
                spoken[item] = waveform[: FRAME * count], text.durations[item, : chunks[item].ids.shape[1]]
        return [spoken[item] for item in range(len(chunks))]

    def _let_ignore_padding(self, part: Any) -> None:
        for module in list(part.modules()):
            for name, child in module.named_children():
                if isinstance(child, torch.nn.InstanceNorm1d):
                    setattr(module, name, _InstanceNorm(child, self._padding))
            if isinstance(module, torch.nn.Conv1d | torch.nn.ConvTranspose1d):
                module.register_forward_pre_hook(self._padding.clear_input)

    def _read(self, chunks: Sequence[PhonemeChunk]) -> _Text:
        model = self._model
        like = model.bert_encoder.weight
        ids = pad_sequence([torch.from_numpy(chunk.ids[0]) for chunk in chunks], batch_first=True).to(like.device)
        lengths = torch.tensor([chunk.ids.shape[1] for chunk in chunks])
        padding = (torch.arange(ids.shape[1])[None] >= lengths[:, None]).to(like.device)
        style = torch.from_numpy(np.concatenate([chunk.style for chunk in chunks])).to(like)
        speeds = torch.tensor([chunk.speed for chunk in chunks], dtype=like.dtype, device=like.device)
        encoded = model.bert_encoder(model.bert(ids, attention_mask=(~padding).int())).transpose(-1, -2)
        prosody = model.predictor.text_encoder(encoded, style[:, STYLE:], lengths, padding)
        hidden = _packed(model.predictor.lstm, prosody, lengths)
        lasting = torch.sigmoid(model.predictor.duration_proj(hidden)).sum(-1) / speeds[:, None]
        durations = torch.round(lasting).clamp(min=1).long().masked_fill(padding, 0)
        return _Text(style, prosody, model.text_encoder(ids, lengths, padding), durations)

    def _decode(self, text: _Text) -> tuple[list[int], Tensor]:
        """→ frames of each item; waveforms (batch, samples), padded."""
        model, frames = self._model, text.durations.sum(1)
        each, spread = frames.tolist(), _spread(text.durations, text.prosody.dtype)
        with self._padding.of(frames):
            aligned = (text.prosody.transpose(-1, -2) @ spread).transpose(-1, -2)
            shared = _packed(model.predictor.shared, aligned, torch.tensor(each)).transpose(-1, -2)
            curves: list[Tensor] = []
            for name in ("F0", "N"):
                curve = shared
                for block in getattr(model.predictor, name):
                    curve = block(curve, text.style[:, STYLE:])
                curve = getattr(model.predictor, f"{name}_proj")(curve)
                curves.append(self._padding.cleared(curve).squeeze(1))
            with torch.autocast(spread.device.type, torch.bfloat16, enabled=self._half):
                waveforms = model.decoder(text.phonemes @ spread, *curves, text.style[:, :STYLE])
        return each, waveforms[:, 0]


def groups(frames: Sequence[int]) -> list[list[int]]:
    """Which items to decode together, longest first, by their frames: of similar length, and within MOST_FRAMES."""
    found: list[list[int]] = []
    for item in sorted(range(len(frames)), key=lambda item: -frames[item]):
        longest = frames[found[-1][0]] if found else 0
        fits = found and (len(found[-1]) + 1) * longest <= MOST_FRAMES and frames[item] >= LEAST_FILLED * longest
        if fits:
            found[-1].append(item)
        else:
            found.append([item])
    return found


class _Padding:
    """What is padding in the tensors of the decoder: told by their size over time, as every stage has its own."""

    def __init__(self, rates: Sequence[int]) -> None:
        """rates: values per frame at each stage; at the last one also with one value more in all."""
        self._sizes = [*((rate, 0) for rate in rates), (rates[-1], 1), (FRAME, 0)]
        self._own: dict[int, tuple[Tensor, Tensor]] = {}
        """Size over time → the items' own sizes, (batch,), and their own places, bool (batch, 1, time)."""

    @contextmanager
    def of(self, frames: Tensor) -> Generator[None]:
        """Within this context, a batch of items with these frames, (batch,), is decoded."""
        longest = int(frames.max())
        if int(frames.min()) < longest:
            for rate, more in self._sizes:
                own, size = frames * rate + more, longest * rate + more
                places = torch.arange(size, device=frames.device)
                self._own[size] = own, (places < own[:, None])[:, None]
        try:
            yield
        finally:
            self._own = {}

    def sizes(self, tensor: Tensor) -> Tensor | None:
        """The items' own sizes over time, (batch,); None: nothing is padded."""
        return self._own[tensor.shape[-1]][0] if self._own else None

    def places(self, tensor: Tensor) -> Tensor | None:
        return self._own[tensor.shape[-1]][1] if self._own else None

    def cleared(self, tensor: Tensor) -> Tensor:
        """The tensor, (batch, channels, time), with zeros for padding."""
        places = self.places(tensor)
        return tensor if places is None else torch.where(places, tensor, 0)

    def clear_input(self, _: Any, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Hook of a module."""
        return (self.cleared(inputs[0]), *inputs[1:])


class _InstanceNorm(torch.nn.Module):  # pyright: ignore[reportUntypedBaseClass]
    """Instance norm (Ulyanov et al. 2016) over each item's own values."""

    def __init__(self, plain: Any, padding: _Padding) -> None:
        super().__init__()
        self._plain, self._padding = plain, padding

    def forward(self, values: Tensor) -> Tensor:
        if values.dtype is torch.bfloat16:
            values = values.float()
        places, sizes = self._padding.places(values), self._padding.sizes(values)
        if places is None or sizes is None:
            return self._plain(values)
        count = sizes[:, None, None]
        mean = torch.where(places, values, 0).sum(-1, keepdim=True) / count
        centred = torch.where(places, values - mean, 0)
        variance = centred.square().sum(-1, keepdim=True) / count
        normed = centred * torch.rsqrt(variance + self._plain.eps)
        return normed * self._plain.weight[:, None] + self._plain.bias[:, None]


class _InFloat32(torch.nn.Module):  # pyright: ignore[reportUntypedBaseClass]
    """A module that computes in float32 among others that compute in bfloat16."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self._module = module

    def forward(self, values: Tensor) -> Any:
        with torch.autocast(values.device.type, enabled=False):
            return self._module(values.float())


class _Stft(torch.nn.Module):  # pyright: ignore[reportUntypedBaseClass]
    """The short-time Fourier transforms of the generator, in which each item ends where it does alone."""

    def __init__(self, plain: Any, padding: _Padding) -> None:
        super().__init__()
        self._plain, self._padding = plain, padding

    def transform(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, samples) → magnitude and phase. Mirrors each item at its end, as the transform does the longest."""
        reach, sizes = self._plain.filter_length // 2, self._padding.sizes(source)
        for item, end in enumerate([] if sizes is None else sizes.tolist()):
            if end < source.shape[-1]:
                source[item, end : end + reach] = source[item, end - 1 - reach : end - 1].flip(0)
        return self._plain.transform(source)

    def inverse(self, magnitude: Tensor, phase: Tensor) -> Tensor:
        """→ (batch, 1, samples): each item by itself, padded."""
        sizes = self._padding.sizes(magnitude)
        if sizes is None:
            return self._plain.inverse(magnitude, phase)
        items = zip(magnitude[:, None], phase[:, None], sizes.tolist(), strict=True)
        waveforms = [self._plain.inverse(size[..., :end], angle[..., :end])[0, 0] for size, angle, end in items]
        return pad_sequence(waveforms, batch_first=True)[:, None]


def _packed(lstm: Any, values: Tensor, lengths: Tensor) -> Tensor:
    """Run an LSTM over sequences (batch, time, channels) of these lengths, on the CPU; zeros in the padding."""
    packed = pack_padded_sequence(values, lengths, batch_first=True, enforce_sorted=False)
    return pad_packed_sequence(lstm(packed)[0], batch_first=True, total_length=values.shape[1])[0]


def _spread(durations: Tensor, dtype: Any) -> Tensor:
    """(batch, ids, frames): 1 where the id lasts in that frame, else 0."""
    ends = durations.cumsum(1)
    frames = torch.arange(int(ends[:, -1].max()), device=durations.device)
    return ((frames < ends[..., None]) & (frames >= (ends - durations)[..., None])).to(dtype)
