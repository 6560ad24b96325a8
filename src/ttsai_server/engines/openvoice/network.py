"""OpenVoice's tone colour converter, with the names of the published checkpoint (version 2).

The posterior encoder and the flow of VITS (Kim et al. 2021): the flow takes the source speaker's tone colour out of the
latent variables, its inverse puts the target's in, and HiFi-GAN makes sound of them. A reference encoder (Skerry-Ryan
et al. 2018) makes a vector of a voice's tone colour.
"""
# pyright: basic
# (torch, whose types are those of nearly everything here, is not installed everywhere)

from itertools import pairwise

import torch  # pyright: ignore[reportMissingImports]
from pydantic import BaseModel
from torch import Tensor, nn  # pyright: ignore[reportMissingImports]

from ttsai_server.engines.shared import hifigan

KERNEL = 5
ENCODER_LAYERS, FLOW_LAYERS, FLOWS = 16, 4, 4
REACH = KERNEL // 2 * (ENCODER_LAYERS + 2 * FLOWS * FLOW_LAYERS)
"""Frames on either side that a frame of `convert`'s result depends on."""
_REFERENCE_CHANNELS = (32, 32, 64, 64, 128, 128)


class Sizes(BaseModel):
    """Part `model` of the published config.json; what it has beside these is of OpenVoice's own text to speech."""

    inter_channels: int
    hidden_channels: int
    resblock_kernel_sizes: list[int]
    resblock_dilation_sizes: list[list[int]]
    upsample_rates: list[int]
    upsample_initial_channel: int
    upsample_kernel_sizes: list[int]
    gin_channels: int


class ToneColourConverter(nn.Module):
    """Spectrograms are magnitudes, (1, bins, frames); voices (1, size, 1)."""

    def __init__(self, sizes: Sizes, bins: int) -> None:
        super().__init__()
        voice = sizes.gin_channels
        self.latent_channels = sizes.inter_channels
        self.enc_q = _PosteriorEncoder(bins, sizes.hidden_channels, sizes.inter_channels, voice)
        self.flow = _Flow(sizes.inter_channels, sizes.hidden_channels, voice)
        self.dec = _Decoder(sizes)
        self.ref_enc = _ReferenceEncoder(bins, voice)

    def voice(self, spectrogram: Tensor) -> Tensor:
        """The voice of who speaks."""
        return self.ref_enc(spectrogram)

    def convert(self, spectrogram: Tensor, noise: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """Latent variables, (1, channels, frames), of what the source says in the target's voice.

        noise: of that shape; how far the latent variables are from their means, in standard deviations.
        """
        nobody = torch.zeros_like(source)  # version 2 encodes without a voice
        mean, scale = self.enc_q(spectrogram, nobody)
        return self.flow.backward_of(self.flow(mean + noise * scale.exp(), source), target)

    def sound(self, latent: Tensor) -> Tensor:
        """(1, 1, samples) of latent variables."""
        return self.dec(latent)


class _GatedLayers(nn.Module):
    """The layers of WaveNet (van den Oord et al. 2016), undilated, conditioned on a voice."""

    def __init__(self, channels: int, layers: int, voice: int) -> None:
        super().__init__()
        outputs = [2 * channels] * (layers - 1) + [channels]
        self.cond_layer = nn.Conv1d(voice, 2 * channels * layers, 1)
        self.in_layers = nn.ModuleList(nn.Conv1d(channels, 2 * channels, KERNEL, padding="same") for _ in outputs)
        self.res_skip_layers = nn.ModuleList(nn.Conv1d(channels, output, 1) for output in outputs)

    def forward(self, x: Tensor, voice: Tensor) -> Tensor:
        conditions = self.cond_layer(voice).chunk(len(self.in_layers), dim=1)
        channels = x.shape[1]
        result = torch.zeros_like(x)
        for heard, mixed, condition in zip(self.in_layers, self.res_skip_layers, conditions, strict=True):
            signal, gate = (heard(x) + condition).chunk(2, dim=1)
            made = mixed(torch.tanh(signal) * torch.sigmoid(gate))
            result = result + made[:, -channels:]
            if made.shape[1] > channels:  # all but the last
                x = x + made[:, :channels]
        return result


class _PosteriorEncoder(nn.Module):
    def __init__(self, bins: int, hidden: int, latent: int, voice: int) -> None:
        super().__init__()
        self.pre = nn.Conv1d(bins, hidden, 1)
        self.enc = _GatedLayers(hidden, ENCODER_LAYERS, voice)
        self.proj = nn.Conv1d(hidden, 2 * latent, 1)

    def forward(self, spectrogram: Tensor, voice: Tensor) -> tuple[Tensor, Tensor]:
        """Means and logarithms of the standard deviations of the latent variables."""
        mean, scale = self.proj(self.enc(self.pre(spectrogram), voice)).chunk(2, dim=1)
        return mean, scale


class _Flow(nn.Module):
    """Additive coupling layers (Dinh et al. 2014), after each of which the channels are reversed."""

    def __init__(self, channels: int, hidden: int, voice: int) -> None:
        super().__init__()
        # the published list has the reversals, which have no weights, at the odd places
        self.flows = nn.ModuleDict({str(2 * n): _Coupling(channels // 2, hidden, voice) for n in range(FLOWS)})

    def forward(self, x: Tensor, voice: Tensor) -> Tensor:
        for coupling in self.flows.values():
            kept, shifted = x.chunk(2, dim=1)
            x = torch.cat([kept, shifted + coupling(kept, voice)], dim=1).flip(1)
        return x

    def backward_of(self, x: Tensor, voice: Tensor) -> Tensor:
        """The inverse."""
        for coupling in reversed(list(self.flows.values())):
            kept, shifted = x.flip(1).chunk(2, dim=1)
            x = torch.cat([kept, shifted - coupling(kept, voice)], dim=1)
        return x


class _Coupling(nn.Module):
    """How far the other half of the channels is shifted."""

    def __init__(self, half: int, hidden: int, voice: int) -> None:
        super().__init__()
        self.pre = nn.Conv1d(half, hidden, 1)
        self.enc = _GatedLayers(hidden, FLOW_LAYERS, voice)
        self.post = nn.Conv1d(hidden, half, 1)

    def forward(self, kept: Tensor, voice: Tensor) -> Tensor:
        return self.post(self.enc(self.pre(kept), voice))


class _Decoder(hifigan.Generator):
    def __init__(self, sizes: Sizes) -> None:
        wide = sizes.upsample_initial_channel
        super().__init__(
            sizes.inter_channels,
            wide,
            sizes.upsample_rates,
            sizes.upsample_kernel_sizes,
            sizes.resblock_kernel_sizes,
            sizes.resblock_dilation_sizes,
            last_bias=False,
        )
        self.cond = nn.Conv1d(sizes.gin_channels, wide, 1)

    def forward(self, features: Tensor) -> Tensor:
        nobody = features.new_zeros(1, self.cond.in_channels, 1)  # version 2 decodes without a voice
        return self.decode(self.conv_pre(features) + self.cond(nobody))


class _ReferenceEncoder(nn.Module):
    def __init__(self, bins: int, voice: int) -> None:
        super().__init__()
        self.layernorm = nn.LayerNorm(bins)
        self.convs = nn.ModuleList(
            nn.Conv2d(into, out, 3, stride=2, padding=1) for into, out in pairwise((1, *_REFERENCE_CHANNELS))
        )
        height = -(-bins // 2 ** len(_REFERENCE_CHANNELS))
        last = _REFERENCE_CHANNELS[-1]
        self.gru = nn.GRU(last * height, last, batch_first=True)
        self.proj = nn.Linear(last, voice)

    def forward(self, spectrogram: Tensor) -> Tensor:
        x = self.layernorm(spectrogram.transpose(1, 2))[:, None]
        for convolution in self.convs:
            x = torch.relu(convolution(x))
        _, last = self.gru(x.transpose(1, 2).flatten(2))
        return self.proj(last[0])[:, :, None]
