"""A checkpoint of VITS in the form of Meta's MMS voices, tiny and random: it makes noise."""

import json
from math import exp, log
from pathlib import Path
from typing import Any

FRAMES = 3.95
"""How long a letter, and the blank after it, sound each, at 125 frames a second."""
LETTERS = " abcdefghijklmnopqrstuvwxyz'-_–"


def write_tiny_vits(folder: Path, *, uroman: bool = False) -> Path:
    """Files as at facebook/mms-tts-*: config.json, model.safetensors, vocab.json, tokenizer_config.json."""
    import torch  # pyright: ignore[reportMissingImports]
    from transformers import VitsConfig, VitsModel  # pyright: ignore[reportMissingImports]

    torch.manual_seed(0)
    config: Any = VitsConfig(
        vocab_size=len(LETTERS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        ffn_dim=32,
        flow_size=16,
        spectrogram_bins=33,
        duration_predictor_filter_channels=16,
        upsample_initial_channel=32,
        upsample_rates=[8, 4, 2, 2],
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1, 3]],
        prior_encoder_num_flows=2,
        prior_encoder_num_wavenet_layers=1,
        posterior_encoder_num_wavenet_layers=1,
        wavenet_dilation_rate=1,
    )
    model: Any = VitsModel(config)
    with torch.no_grad():
        model.decoder.conv_post.weight.mul_(5)  # as loud as speech
        last = model.duration_predictor.flows[0]
        last.translate.fill_(-log(FRAMES) * exp(8))
        last.log_scale.fill_(8)
    model.save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps({letter: number for number, letter in enumerate(LETTERS)}))
    tokenizer = {
        "tokenizer_class": "VitsTokenizer",
        "pad_token": "–",
        "unk_token": "<unk>",
        "language": "eng",
        "normalize": True,
        "phonemize": False,
        "add_blank": True,
        "is_uroman": uroman,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    return folder
