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
        "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 1,
        "num_key_value_heads": 1,
    }  # fmt: skip
    gpt = {"hidden_size": 64, "n_embd": 64, "n_head": 1, "n_layer": 1}
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
    for name, network in networks.items():
        save_file({key: value.clone().contiguous() for key, value in network.state_dict().items()}, folder / name)
    {"english": _write_letters, "multilingual": _write_languages, "turbo": _write_bytes}[variant](folder)
    torch.save(_preset(), folder / parts.PRESET)


def _preset() -> dict[str, Any]:
    text = {
        "speaker_emb": torch.randn(1, 256),
        "clap_emb": None,
        "cond_prompt_speech_tokens": torch.randint(0, 6561, (1, 150)),
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
