"""Chatterbox's voices: what its networks are conditioned on, as plain arrays, so that it can be stored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from ttsai_server.engines.chatterbox.parts import Parts
from ttsai_server.engines.shared.pytorch import read_state
from ttsai_server.errors import EngineFailed

Arrays = Mapping[str, NDArray[np.generic]]
"""
For T3, `speaker` float32 (1, 256): embedding of the speaker, and `prompt` int32 (1, n): speech tokens of the beginning.
For S3Gen, `tokens` int32 (1, m), `mel` float32 (1, 2 m, 80) and `timbre` float32 (1, 192): speech tokens, mel
spectrogram and embedding of the first 10 s.
"""
RATE, TOKENS_RATE = 24_000, 16_000
"""Hertz of the sound that is made; of what is made tokens of."""
SOUND_SECONDS = 10
PROMPT_SECONDS, TURBO_PROMPT_SECONDS = 6, 15


def embed(parts: Parts, samples: NDArray[np.float32], *, turbo: bool) -> Arrays:
    """The voice of who speaks in `samples`, float32 (n,) at RATE."""
    import torch  # pyright: ignore[reportMissingImports]

    if turbo:
        from chatterbox.tts_turbo import ChatterboxTurboTTS  # pyright: ignore[reportMissingImports]

        louder: Any = ChatterboxTurboTTS.norm_loudness
        samples = np.asarray(louder(None, samples, RATE), np.float32)
    lower = np.asarray(soxr.resample(samples, RATE, TOKENS_RATE), np.float32)
    first = torch.from_numpy(samples[: SOUND_SECONDS * RATE].copy())
    heard = parts.sound.embed_ref(first, RATE, device=parts.sound.device)
    start = lower[: (TURBO_PROMPT_SECONDS if turbo else PROMPT_SECONDS) * TOKENS_RATE]
    prompt, _ = parts.sound.tokenizer.forward([start], max_len=parts.text.hp.speech_cond_prompt_len)
    speaker = parts.speaker.embeds_from_wavs([lower], sample_rate=TOKENS_RATE)
    return _arrays(torch.from_numpy(speaker), torch.atleast_2d(prompt), heard)


def read_preset(file: Path) -> Arrays:
    """The published voice. Raises EngineFailed if the file is not usable."""
    text: Any = read_state(file, "t3")
    try:
        return _arrays(text["speaker_emb"], text["cond_prompt_speech_tokens"], read_state(file, "gen"))
    except (LookupError, TypeError, AttributeError) as error:
        raise EngineFailed(f"{file.name} is no voice of Chatterbox: {error}") from error


def _arrays(speaker: Any, prompt: Any, heard: Mapping[str, Any]) -> Arrays:
    return {
        "speaker": speaker.cpu().numpy().astype(np.float32),
        "prompt": prompt.cpu().numpy().astype(np.int32),
        "tokens": heard["prompt_token"].cpu().numpy().astype(np.int32),
        "mel": heard["prompt_feat"].cpu().numpy().astype(np.float32),
        "timbre": heard["embedding"].cpu().numpy().astype(np.float32),
    }


def for_text(arrays: Arrays, exaggeration: float, device: str) -> Any:
    """The T3Cond of a voice."""
    import torch  # pyright: ignore[reportMissingImports]
    from chatterbox.models.t3.modules.cond_enc import T3Cond  # pyright: ignore[reportMissingImports]

    return T3Cond(
        speaker_emb=torch.tensor(arrays["speaker"]),
        cond_prompt_speech_tokens=torch.tensor(arrays["prompt"]).long(),
        emotion_adv=exaggeration * torch.ones(1, 1, 1),
    ).to(device=device)


def for_sound(arrays: Arrays) -> dict[str, Any]:
    """The `ref_dict` of a voice."""
    import torch  # pyright: ignore[reportMissingImports]

    tokens = torch.tensor(arrays["tokens"]).long()
    return {
        "prompt_token": tokens,
        "prompt_token_len": torch.tensor([tokens.shape[1]]),
        "prompt_feat": torch.tensor(arrays["mel"]),
        "prompt_feat_len": None,
        "embedding": torch.tensor(arrays["timbre"]),
    }
