"""HiFi-GAN's generator (Kong et al. 2020), version 1, with the names of its published checkpoints."""
# pyright: basic
# (torch, whose types are those of nearly everything here, is not installed everywhere)

from collections.abc import Sequence
from functools import reduce

import torch  # pyright: ignore[reportMissingImports]
from torch import Tensor, nn  # pyright: ignore[reportMissingImports]
from torch.nn.functional import leaky_relu  # pyright: ignore[reportMissingImports]

SLOPE = 0.1
"""Of the leaky ReLU's negative half; the last one has PyTorch's default."""
_ENDS = 7
"""Kernel of the first and the last convolution."""
REACH = 14
"""Frames of input on either side that a sample depends on: 3 of the first convolution, 1 of the first upsampling, 8 of
the blocks after it (60 samples at 8 or more a frame), under 2 of all later layers."""


class Generator(nn.Module):
    """Features, (n, channels, frames), to sound in [-1, 1], (n, 1, frames × product of `rates`)."""

    def __init__(
        self,
        channels: int,
        wide: int,
        rates: Sequence[int],
        rate_kernels: Sequence[int],
        kernels: Sequence[int],
        dilations: Sequence[Sequence[int]],
        *,
        last_bias: bool,
    ) -> None:
        """Args:
        channels: of the features.
        wide: channels after the first convolution; each upsampling halves them.
        rates, rate_kernels: factor and kernel of each upsampling.
        kernels, dilations: of the residual blocks after each.
        last_bias: whether the last convolution has a bias.
        """
        super().__init__()
        sizes = [wide >> stage for stage in range(len(rates) + 1)]
        self.conv_pre = nn.Conv1d(channels, wide, _ENDS, padding=_ENDS // 2)
        self.ups = nn.ModuleList(
            nn.ConvTranspose1d(into, out, kernel, rate, padding=(kernel - rate) // 2)
            for into, out, kernel, rate in zip(sizes, sizes[1:], rate_kernels, rates, strict=False)
        )
        self.resblocks = nn.ModuleList(
            _Block(size, kernel, dilation)
            for size in sizes[1:]
            for kernel, dilation in zip(kernels, dilations, strict=True)
        )
        self.conv_post = nn.Conv1d(sizes[-1], 1, _ENDS, padding=_ENDS // 2, bias=last_bias)

    def forward(self, features: Tensor) -> Tensor:
        return self.decode(self.conv_pre(features))

    def decode(self, x: Tensor) -> Tensor:
        """What follows the first convolution."""
        each = len(self.resblocks) // len(self.ups)
        for stage, upsample in enumerate(self.ups):
            x = upsample(leaky_relu(x, SLOPE))
            blocks = self.resblocks[stage * each : (stage + 1) * each]
            x = reduce(torch.add, (block(x) for block in blocks)) / each
        return torch.tanh(self.conv_post(leaky_relu(x)))


class _Block(nn.Module):
    """Pairs of convolutions, the first of each dilated, with a residual connection around each pair."""

    def __init__(self, channels: int, kernel: int, dilations: Sequence[int]) -> None:
        super().__init__()

        def convolution(dilation: int) -> nn.Conv1d:
            return nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=(kernel - 1) * dilation // 2)

        self.convs1 = nn.ModuleList(convolution(dilation) for dilation in dilations)
        self.convs2 = nn.ModuleList(convolution(1) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            x = x + plain(leaky_relu(dilated(leaky_relu(x, SLOPE)), SLOPE))
        return x
