# pyright: basic
# (torch, whose types are those of nearly everything here, is not installed everywhere)
"""Resemble AI's inaudible watermark, PerTh: marks sound so that it can be distinguished from a recording of a person.

A network changes the logarithmic magnitudes below 2 kHz. It has the names of the weights that the package
`resemble-perth` brings; that package itself needs releases of others that are out of date.
"""

from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray
from torch import Tensor, nn  # pyright: ignore[reportMissingImports]

from ttsai_server.engines.shared.pytorch import fill, read_state

Samples = NDArray[np.float32]
RATE, LENGTH, HOP = 32_000, 2048, 320
"""Sample rate of what is marked; samples of a window; samples from one window to the next."""
BANDS, _HIDDEN = 128, 256
"""Bins that are changed: those below 2 kHz."""
_FLOOR, _HEADROOM = -180.0, 15.0
"""Decibels of the value 0; of the value 1."""
_LOUD = 0.05
"""Share of the loudest frame's sum from which on a frame is marked."""


class Watermark:
    """Marks sound."""

    def __init__(self, file: Path, device: str) -> None:
        """file: the package's weights. Raises EngineFailed if they are not usable."""
        state = read_state(file, "model")
        own = {name: value for name, value in state.items() if name.startswith("encoder.")}
        self._network = fill(_Marker(), own, file.name).to(device)
        self._device = device

    def mark(self, samples: Samples, rate: int) -> Samples:
        """The marked sound of float32 (n,): (n,)."""
        sound = np.asarray(soxr.resample(samples, rate, RATE), np.float32)
        padded = torch.from_numpy(np.pad(sound, (0, max(0, LENGTH - len(sound))))).to(self._device)
        window = torch.hann_window(LENGTH, device=self._device)
        spectrum = torch.stft(padded, LENGTH, HOP, window=window, return_complex=True)
        levels = (20 * spectrum.abs().clamp_min(10 ** (_FLOOR / 20)).log10() - _FLOOR) / (_HEADROOM - _FLOOR)
        changed = 10 ** (self._network(levels[None])[0] * (_HEADROOM - _FLOOR) / 20 + _FLOOR / 20)
        marked = torch.istft(torch.polar(changed, spectrum.angle()), LENGTH, HOP, window=window, length=len(padded))
        back = soxr.resample(marked[: len(sound)].cpu().numpy(), RATE, rate)
        return np.pad(back[: len(samples)], (0, max(0, len(samples) - len(back)))).astype(np.float32)


class _Marker(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        sizes = [(BANDS, _HIDDEN, 1), *[(_HIDDEN, _HIDDEN, 7)] * 5, (_HIDDEN, BANDS, 1)]
        self.encoder = nn.ModuleDict({"layers": nn.ModuleList(_Layer(*size) for size in sizes)})

    def forward(self, levels: Tensor) -> Tensor:
        """Marked levels, (1, bins, frames), of levels in [0, 1]."""
        sums = levels.sum(1, keepdim=True)
        change = levels[:, :BANDS]
        encoder: Any = self.encoder
        *convolutions, last = (layer.conv for layer in encoder["layers"])
        for convolution in convolutions:
            change = nn.functional.leaky_relu(convolution(change))
        change = last(change) * (sums > _LOUD * sums.max())
        return torch.cat([levels[:, :BANDS] + change, levels[:, BANDS:]], dim=1)


class _Layer(nn.Module):
    def __init__(self, into: int, out: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(into, out, kernel, padding=kernel // 2)
