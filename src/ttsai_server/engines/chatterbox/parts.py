"""Loads Chatterbox's networks, those of the package `chatterbox-light`, from local files only."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from ttsai_server.engines.shared.pytorch import Tensors, import_torchaudio
from ttsai_server.errors import EngineFailed

Variant = Literal["english", "multilingual", "turbo"]
VOICE_ENCODER, PRESET = "ve.safetensors", "conds.pt"
TOKENIZERS: Mapping[Variant, str] = {
    "english": "tokenizer.json",
    "multilingual": "grapheme_mtl_merged_expanded_v1.json",
    "turbo": "vocab.json",
}
SOUND: Mapping[Variant, str] = {
    "english": "s3gen.safetensors",
    "multilingual": "s3gen.safetensors",
    "turbo": "s3gen_meanflow.safetensors",
}
_DERIVED = {"tokenizer._mel_filters", "tokenizer.window"}
"""Tensors that not every file has, since they are constants."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The networks, on the device; their classes are the package's."""

    text: Any
    """T3: text to speech tokens, 25 a second."""
    sound: Any
    """S3Gen: speech tokens to sound, and back."""
    speaker: Any
    """VoiceEncoder: embeds a speaker."""
    tokens: Callable[[str, str], Any]
    """(text, ISO 639-1) → text tokens, int (1, n), normalised as the package does."""


def load(folder: Path, variant: Variant, checkpoint: str, device: str) -> Parts:
    """checkpoint: name of T3's file. Raises EngineFailed if a file is not usable."""
    import_package()
    from chatterbox.models.s3gen import S3Gen  # pyright: ignore[reportMissingImports]
    from chatterbox.models.t3 import T3  # pyright: ignore[reportMissingImports]
    from chatterbox.models.voice_encoder import VoiceEncoder  # pyright: ignore[reportMissingImports]

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about classes of its packages that are going to be renamed
            text = _filled(T3(_sizes(variant)), folder / checkpoint)
            if variant == "turbo":
                del text.tfmr.wte  # of the words that GPT-2 was trained on; not used
            sound = _filled(S3Gen(meanflow=variant == "turbo"), folder / SOUND[variant])
            speaker = _filled(VoiceEncoder(), folder / VOICE_ENCODER)
            tokens = _tokenizer(folder, variant)
    except EngineFailed:
        raise
    except Exception as error:  # a wrong file may raise anything
        raise EngineFailed(f"The files in {folder.name} are not Chatterbox's: {error}") from error
    return Parts(text.to(device), sound.to(device), speaker.to(device), tokens)


def import_package() -> None:
    """Import `chatterbox`, and switch its progress bars off."""
    import_torchaudio()
    from chatterbox.models.s3gen import flow_matching  # pyright: ignore[reportMissingImports]
    from chatterbox.models.t3 import t3  # pyright: ignore[reportMissingImports]

    modules: tuple[Any, ...] = (flow_matching, t3)
    for module in modules:
        module.tqdm, module.print = _unchanged, _say_nothing


def _unchanged(given: Any, **_: object) -> Any:
    return given


def _say_nothing(*_: object) -> None:
    pass


def _sizes(variant: Variant) -> Any:
    from chatterbox.models.t3.modules.t3_config import T3Config  # pyright: ignore[reportMissingImports]

    if variant != "turbo":
        return T3Config.english_only() if variant == "english" else T3Config.multilingual()
    sizes: Any = T3Config(text_tokens_dict_size=50_276)
    sizes.llama_config_name, sizes.speech_tokens_dict_size, sizes.speech_cond_prompt_len = "GPT2_medium", 6563, 375
    sizes.input_pos_emb, sizes.use_perceiver_resampler, sizes.emotion_adv = None, False, False
    return sizes


def _filled(network: Any, file: Path) -> Any:
    from safetensors.torch import load_file  # pyright: ignore[reportMissingImports]

    state: Tensors = load_file(file)
    missing, unknown = network.load_state_dict(state, strict=False)
    if wrong := {*missing, *unknown} - _DERIVED:
        raise EngineFailed(f"{file.name} is not of this model: {min(wrong)} and {len(wrong) - 1} others differ.")
    return network.eval().requires_grad_(False)


def _tokenizer(folder: Path, variant: Variant) -> Callable[[str, str], Any]:
    from chatterbox import mtl_tts, tts, tts_turbo  # pyright: ignore[reportMissingImports]
    from chatterbox.models.tokenizers import EnTokenizer, MTLTokenizer  # pyright: ignore[reportMissingImports]
    from transformers import AutoTokenizer  # pyright: ignore[reportMissingImports]

    file = str(folder / TOKENIZERS[variant])
    if variant == "turbo":
        words: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        return partial(_of_words, words, tts_turbo.punc_norm)
    letters: Any = EnTokenizer(file) if variant == "english" else MTLTokenizer(file)
    if variant == "english":
        return partial(_of_letters, letters, tts.punc_norm)
    return partial(_of_languages, letters, mtl_tts.punc_norm)


def _of_letters(tokenizer: Any, normalise: Any, text: str, _: str) -> Any:
    return tokenizer.text_to_tokens(normalise(text))


def _of_languages(tokenizer: Any, normalise: Any, text: str, language: str) -> Any:
    return tokenizer.text_to_tokens(normalise(text), language)


def _of_words(tokenizer: Any, normalise: Any, text: str, _: str) -> Any:
    return tokenizer(normalise(text), return_tensors="pt").input_ids
