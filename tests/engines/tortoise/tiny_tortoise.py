"""A Tortoise that knows nothing: the published architecture and files, narrow, shallow and random.

Run in its environment: python -m tests.engines.tortoise.tiny_tortoise FOLDER
"""

import sys
from pathlib import Path
from typing import Any

WIDTH, LAYERS = 64, 1
PACE = 3
"""Speech tokens for each of the text."""
_BALANCE, _SUM, _ZERO = 0, 1, 2
"""Channels of the language model that tell it when to stop."""


def write_tiny_tortoise(folder: Path) -> None:
    import torch  # pyright: ignore[reportMissingImports]

    from ttsai_server.engines.shared.pytorch import import_torchaudio

    import_torchaudio()
    from tortoise.models.autoregressive import UnifiedVoice  # pyright: ignore[reportMissingImports]
    from tortoise.models.clvp import CLVP  # pyright: ignore[reportMissingImports]
    from tortoise.models.diffusion_decoder import DiffusionTts  # pyright: ignore[reportMissingImports]
    from tortoise.models.random_latent_generator import (  # pyright: ignore[reportMissingImports]
        RandomLatentConverter,
    )
    from tortoise.models.vocoder import UnivNetGenerator  # pyright: ignore[reportMissingImports]

    torch.manual_seed(0)
    networks: dict[str, Any] = {
        "autoregressive.pth": UnifiedVoice(
            layers=LAYERS, model_dim=WIDTH, heads=1, max_text_tokens=402, max_mel_tokens=604, max_conditioning_inputs=2,
            number_text_tokens=255, start_text_token=255, checkpointing=False,
        ),
        "diffusion_decoder.pth": DiffusionTts(
            model_channels=WIDTH, num_layers=LAYERS, in_latent_channels=WIDTH, num_heads=1,
        ),
        "clvp2.pth": CLVP(
            dim_text=WIDTH, dim_speech=WIDTH, dim_latent=WIDTH, text_enc_depth=LAYERS, text_seq_len=350, text_heads=1,
            speech_enc_depth=LAYERS, speech_heads=1, speech_seq_len=430, use_xformers=True,
        ),
        "rlg_auto.pth": RandomLatentConverter(WIDTH),
        "rlg_diffuser.pth": RandomLatentConverter(2 * WIDTH),
    }  # fmt: skip
    for network in networks.values():
        _enliven(network)
    with torch.no_grad():
        _let_stop(networks["autoregressive.pth"], networks["rlg_auto.pth"])
    for file, network in networks.items():
        torch.save(network.state_dict(), folder / file)
    vocoder = UnivNetGenerator(channel_size=8)
    torch.save({"model_g": vocoder.state_dict()}, folder / "vocoder.pth")


def _enliven(network: Any) -> None:
    """Let all that it is told make a difference: some layers are zero before training, others near to it."""
    import torch  # pyright: ignore[reportMissingImports]

    for name, weight in network.named_parameters():
        if weight.dim() >= 2 and not name.endswith("pos_embedding.emb.weight"):
            torch.nn.init.normal_(weight, std=weight[0].numel() ** -0.5)


def _let_stop(writer: Any, random_voice: Any) -> None:
    """Make the language model stop once it has written PACE tokens for each of the text.

    Its attention averages _BALANCE, which text lowers and speech raises, over all that there is so far; what it finds
    becomes the logit of the stop token. No voice writes to these channels.
    """
    channels, (layer,) = [_BALANCE, _SUM, _ZERO], writer.gpt.h
    text, speech, voice = writer.text_embedding.weight, writer.mel_embedding.weight, writer.conditioning_encoder
    for table in (text, speech, writer.text_pos_embedding.emb.weight, writer.mel_pos_embedding.emb.weight):
        table[:, channels] = 0
    size = 0.25 * WIDTH**-0.5  # so small, beside the other channels, that the layer's norm leaves it linear
    text[:, _BALANCE], speech[:, _BALANCE] = -PACE * size, size
    for output in (voice.init, *(block.proj_out for block in voice.attn), random_voice.layers[-1]):
        output.weight[channels], output.bias[channels] = 0, 0
    for output in (layer.attn.c_proj, layer.mlp.c_proj):
        output.weight[:, channels], output.bias[channels] = 0, 0
    query, _, value = layer.attn.c_attn.weight.T.chunk(3)
    layer.attn.c_attn.bias[:] = 0
    query[:], value[0] = 0, 0
    value[0, _BALANCE], value[0, _ZERO], layer.attn.c_proj.weight[0, _SUM] = 1, -1, 1
    stop = writer.mel_head.weight[writer.stop_mel_token]
    stop[:], writer.mel_head.bias[writer.stop_mel_token] = 0, 0
    stop[_SUM], stop[_ZERO] = 1e5, -1e5  # the difference, since norms subtract the channels' mean


if __name__ == "__main__":
    write_tiny_tortoise(Path(sys.argv[1]))
