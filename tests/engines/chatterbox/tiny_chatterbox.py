"""A Chatterbox that knows nothing: the published architecture, files and tokenizers, narrow, shallow and random.

The package writes most sizes into its code, so that `tiny` has to hold while such a checkpoint is written or loaded.
"""

import inspect
import json
import string
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch  # pyright: ignore[reportMissingImports]

from ttsai_server.engines.chatterbox import parts
from ttsai_server.engines.chatterbox.parts import SOUND, TOKENIZERS, Variant

_START, _STOP = 255, 0
PACE = 0.9
"""Speech tokens for each of the text, without guidance; half as many again with its default weight."""
PROMPT = 150
"""Speech tokens of the preset's reference, and of one of 6 s."""
_BALANCE, _SUM, _ZERO = 0, 1, 2
"""Channels of the language model that tell it when to stop."""


@contextmanager
def tiny() -> Generator[None]:
    """Within this context, the package's networks are small."""
    parts.import_package()
    from chatterbox.models.s3gen import s3gen  # pyright: ignore[reportMissingImports]
    from chatterbox.models.t3.llama_configs import LLAMA_CONFIGS  # pyright: ignore[reportMissingImports]
    from chatterbox.models.t3.modules import cond_enc  # pyright: ignore[reportMissingImports]
    from s3tokenizer.model_v2 import S3TokenizerV2  # pyright: ignore[reportMissingImports]

    tokenizer = inspect.signature(S3TokenizerV2).parameters["config"].default
    llama: dict[str, Any] = {
        "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
        "num_key_value_heads": 2,
    }  # fmt: skip
    gpt = {"hidden_size": 64, "n_embd": 64, "n_head": 2, "n_layer": 1}
    narrow: list[tuple[object, str, Any]] = [
        (tokenizer, "n_audio_state", 128),
        (tokenizer, "n_audio_head", 2),
        (tokenizer, "n_audio_layer", 1),
        (cond_enc, "Perceiver", partial(cond_enc.Perceiver, pre_attention_query_size=64, embedding_dim=64)),
        (s3gen, "UpsampleConformerEncoder", _with(s3gen.UpsampleConformerEncoder, num_blocks=1, linear_units=64)),
        (
            s3gen,
            "ConditionalDecoder",
            _with(s3gen.ConditionalDecoder, channels=[64], n_blocks=1, num_mid_blocks=1, num_heads=1),
        ),
        (s3gen, "HiFTGenerator", _with(s3gen.HiFTGenerator, base_channels=64)),
    ]
    with pytest.MonkeyPatch.context() as patch:
        for name, sizes in (("Llama_520M", llama), ("GPT2_medium", gpt)):
            for key, value in sizes.items():
                patch.setitem(LLAMA_CONFIGS[name], key, value)
        for owner, name, value in narrow:
            patch.setattr(owner, name, value)
        yield


def _with(kind: Any, **sizes: Any) -> Any:
    """As `kind`, but these of its arguments are always these."""

    def make(**arguments: Any) -> Any:
        return kind(**arguments | sizes)

    return make


def write_tiny_chatterbox(folder: Path, variant: Variant, checkpoint: str) -> None:
    """All files but the watermark's. `tiny` must hold."""
    from chatterbox.models.s3gen import S3Gen  # pyright: ignore[reportMissingImports]
    from chatterbox.models.t3 import T3  # pyright: ignore[reportMissingImports]
    from chatterbox.models.voice_encoder import VoiceEncoder  # pyright: ignore[reportMissingImports]
    from safetensors.torch import save_file  # pyright: ignore[reportMissingImports]

    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        networks: dict[str, Any] = {
            parts.VOICE_ENCODER: VoiceEncoder(),
            checkpoint: T3(parts._sizes(variant)),
            SOUND[variant]: S3Gen(meanflow=variant == "turbo"),
        }
    networks[SOUND[variant]].mel2wav.conv_post.bias.data += 2  # louder
    for weight in networks[checkpoint].parameters():  # surer, so that all that it is told makes a difference
        weight.data *= 10 if weight.dim() == 2 else 1
    with torch.no_grad():
        _let_stop(networks[checkpoint])
    for name, network in networks.items():
        save_file({key: value.clone().contiguous() for key, value in network.state_dict().items()}, folder / name)
    {"english": _write_letters, "multilingual": _write_languages, "turbo": _write_bytes}[variant](folder)
    torch.save(_preset(), folder / parts.PRESET)


def _let_stop(text: Any) -> None:
    """Make T3 stop once it has said about PACE tokens for each of the text.

    The first head of its layer averages _BALANCE, which text lowers and speech raises, over all that there is so far;
    what it finds becomes the logit of the stop token.
    """
    _silence(text)
    loud = 10  # as loud as the other channels
    text.text_emb.weight[:, _BALANCE], text.speech_emb.weight[:, _BALANCE] = -PACE * loud, loud
    if text.is_gpt:
        attention = text.tfmr.h[0].attn
        query, _, value = attention.c_attn.weight.T.chunk(3)
        mixed = attention.c_proj.weight.T
        text.tfmr.wpe.weight[1 : 1 + PROMPT, _BALANCE] = -loud  # its reference, also of speech tokens, does not count
    else:
        attention = text.tfmr.layers[0].self_attn
        query, value, mixed = (each.weight for each in (attention.q_proj, attention.v_proj, attention.o_proj))
        emotion = text.cond_enc.emotion_adv_fc.weight
        emotion[:], emotion[_BALANCE] = 0, -1  # any emotion, since it is normalised, makes it speak longer
    query[: len(query) // 2], value[0] = 0, 0
    value[0, _BALANCE], value[0, _ZERO], mixed[_SUM, 0] = 1, -1, 1
    stop = text.speech_head.weight[text.hp.stop_speech_token]
    stop[:] = 0
    stop[_SUM], stop[_ZERO] = 2e5, -2e5  # the difference, since GPT-2 subtracts the channels' mean


def _silence(text: Any) -> None:
    """Zero the channels that tell T3 when to stop in all that writes to them."""
    inputs = [text.text_emb, text.speech_emb]
    if text.is_gpt:
        inputs.append(text.tfmr.wpe)
        layer = text.tfmr.h[0]
        outputs = [(each.weight.T, each.bias) for each in (layer.attn.c_proj, layer.mlp.c_proj)]
    else:
        inputs += [text.text_pos_emb.emb, text.speech_pos_emb.emb]
        layer, perceiver = text.tfmr.layers[0], text.cond_enc.perceiver
        outputs = [(each.weight, each.bias) for each in (layer.self_attn.o_proj, layer.mlp.down_proj)]
        outputs += [(each.weight, each.bias) for each in (perceiver.attn.proj_out, text.cond_enc.emotion_adv_fc)]
        perceiver.pre_attention_query[..., : _ZERO + 1] = 0
    outputs.append((text.cond_enc.spkr_enc.weight, text.cond_enc.spkr_enc.bias))
    for table in inputs:
        table.weight[:, : _ZERO + 1] = 0
    for weight, bias in outputs:
        weight[: _ZERO + 1] = 0
        if bias is not None:
            bias[: _ZERO + 1] = 0


def _preset() -> dict[str, Any]:
    text = {
        "speaker_emb": torch.randn(1, 256),
        "clap_emb": None,
        "cond_prompt_speech_tokens": torch.randint(0, 6561, (1, PROMPT)),
        "cond_prompt_speech_emb": None,
        "emotion_adv": torch.full((1, 1, 1), 0.5),
    }
    sound = {
        "prompt_token": torch.randint(0, 6561, (1, 50)),
        "prompt_token_len": torch.tensor([50]),
        "prompt_feat": torch.randn(1, 100, 80) - 5,
        "prompt_feat_len": None,
        "embedding": torch.randn(1, 192),
    }
    return {"t3": text, "gen": sound}


def _write_letters(folder: Path, file: str = TOKENIZERS["english"], *, more: tuple[str, ...] = ()) -> None:
    from tokenizers import Tokenizer, models  # pyright: ignore[reportMissingImports]

    letters = ["[UNK]", "[SPACE]", *string.ascii_letters, *string.digits, *string.punctuation, *more]
    vocabulary = {"[STOP]": _STOP, "[START]": _START, **{letter: n for n, letter in enumerate(letters, start=1)}}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="[UNK]"))
    tokenizer.add_special_tokens(["[START]", "[STOP]", "[SPACE]", *more])
    tokenizer.save(str(folder / file))


def _write_languages(folder: Path) -> None:
    _write_letters(folder, TOKENIZERS["multilingual"], more=("[de]", "[en]", "[zh]", "[cj_a]", "[cj_.]"))
    (folder / "Cangjie5_TC.json").write_text(json.dumps(["日\ta"]))


def _write_bytes(folder: Path) -> None:
    """GPT-2's tokenizer without merges."""
    from tokenizers.pre_tokenizers import ByteLevel  # pyright: ignore[reportMissingImports]

    names = [*sorted(ByteLevel.alphabet()), "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({name: number for number, name in enumerate(names)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "GPT2Tokenizer"}))
    for empty in ("added_tokens.json", "special_tokens_map.json"):
        (folder / empty).write_text("{}")
