# pyright: basic
# (torch, whose types are those of nearly everything here, is not installed everywhere)
"""kNN-VC's vocoder, HiFi-GAN for WavLM's features, with the names of the published checkpoint."""

import torch  # pyright: ignore[reportMissingImports]
from torch import Tensor, nn  # pyright: ignore[reportMissingImports]

from ttsai_server.engines.shared import hifigan
from ttsai_server.engines.shared.pytorch import Tensors

RATES, KERNELS = (10, 8, 2, 2), (20, 16, 4, 4)


class Vocoder(hifigan.Generator):
    """Features, (1, frames, channels), to sound, (1, 1, 320 × frames)."""

    def __init__(self, features: int, hidden: int, wide: int) -> None:
        """features, hidden: channels of the features, and after the first layer. wide: those of the generator."""
        super().__init__(hidden, wide, RATES, KERNELS, (3, 7, 11), [(1, 3, 5)] * 3, last_bias=True)
        self.lin_pre = nn.Linear(features, hidden)

    @classmethod
    def like(cls, state: Tensors) -> "Vocoder":
        """One of the sizes of a state dict. Raises LookupError, AttributeError or ValueError if it is of none."""
        hidden, features = state["lin_pre.weight"].shape
        return cls(features, hidden, len(state["conv_pre.bias"]))

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(self.lin_pre(features).transpose(1, 2))


def matched(features: Tensor, voice: Tensor, neighbours: int) -> Tensor:
    """Each feature replaced by the mean of those of the voice that are nearest to it by cosine: both (n, channels)."""
    likeness = nn.functional.normalize(features, dim=1) @ nn.functional.normalize(voice, dim=1).T
    nearest = likeness.topk(min(neighbours, len(voice)), dim=1).indices
    return torch.stack([voice[each].mean(0) for each in nearest])
