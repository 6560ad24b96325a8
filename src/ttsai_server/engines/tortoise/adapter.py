"""Tortoise (Betker 2023, arXiv 2305.07243) in PyTorch, by the networks of the package `tts-webui-tortoise-tts`.

A language model writes candidates of speech tokens, CLVP chooses the one that goes best with the text, a diffusion
model makes a mel spectrogram of it, and UnivNet sound of that.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal

import numpy as np
import soxr
from pydantic import Field

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, Embedding, ModelCard, Reference, SpeechRequest
from ttsai_server.engines.base import Cancellation, Cloner, LoadContext
from ttsai_server.engines.shared.length import most_tokens, said_to_the_end
from ttsai_server.engines.shared.pytorch import PyTorchEngine, prepare_device
from ttsai_server.engines.shared.silence import heard
from ttsai_server.engines.tortoise import networks
from ttsai_server.errors import BadRequest, WeightsMissing

RATE, REFERENCE_RATE = 24_000, 22_050
"""Hertz of the sound that is made; of what voices are made of."""
CLIP_SECONDS = 10
"""Longest clip that a part of a voice is made of."""
TOKENS_A_SECOND = REFERENCE_RATE / 1024
LONGEST = 500
"""Speech tokens of an answer: 23 s."""
LONGEST_TEXT = 398
"""Text tokens of a request."""
BATCH = 16
"""Candidates that are written at once."""
Preset = Literal["ultra_fast", "fast", "standard", "high_quality"]
PRESETS: dict[Preset, dict[str, Any]] = {
    "ultra_fast": {"num_autoregressive_samples": 16, "diffusion_iterations": 30, "cond_free": False},
    "fast": {"num_autoregressive_samples": 96, "diffusion_iterations": 80},
    "standard": {"num_autoregressive_samples": 256, "diffusion_iterations": 200},
    "high_quality": {"num_autoregressive_samples": 256, "diffusion_iterations": 400},
}
"""The authors' presets."""
DEFAULTS: dict[str, Any] = {
    "temperature": 0.8,
    "repetition_penalty": 2.0,
    "top_p": 0.8,
    "cond_free": True,
    "cond_free_k": 2.0,
    "diffusion_temperature": 1.0,
}
"""What the presets have in common."""


class Tortoise(PyTorchEngine[Any], Cloner):
    """Equal requests give equal sound. Speaks a request in one step. Its own voice is random: one for each seed."""

    class Options(Cloner.Options):
        preset: Preset = "ultra_fast"
        """Quality: how many candidates are written, and in how many steps sound is made; each takes about three times
        as long as the one before."""
        num_autoregressive_samples: int | None = Field(default=None, ge=1, le=512)
        """Candidates to choose from; by the preset."""
        diffusion_iterations: int | None = Field(default=None, ge=5, le=400)
        """Steps in which the spectrogram is made; by the preset."""
        temperature: float | None = Field(default=None, ge=0.05, le=2)
        """Randomness of the speech tokens; the default is 0.8."""
        repetition_penalty: float | None = Field(default=None, ge=1, le=20)
        """Keeps it from long silences and drawn-out sounds; the default is 2."""
        top_p: float | None = Field(default=None, gt=0, le=1)
        """Share of the likeliest tokens to choose from; the default is 0.8."""
        cond_free: bool | None = None
        """Whether the diffusion is guided, in twice the time; by the preset."""
        cond_free_k: float | None = Field(default=None, ge=0, le=10)
        """Weight of this guidance; the default is 2."""
        diffusion_temperature: float | None = Field(default=None, ge=0, le=1)
        """Randomness of the sound; 0 is bland. The default is 1."""
        seed: int = Field(default=0, ge=0, lt=2**32)
        """Another seed is another rendering, and without a recording another speaker."""

    def __init__(self, card: ModelCard, package: Any, device: str) -> None:
        """package: what `networks.load` returns."""
        parts = (package.autoregressive, package.diffusion, package.clvp, package.vocoder)
        super().__init__(package, parts, device)
        self._id, self._longest_reference = card.id, card.reference_seconds[1]

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Tortoise:
        if not all((place.weights / file).is_file() for file in networks.FILES):
            raise WeightsMissing(card.id)
        prepare_device(place)
        return cls(card, networks.load(place.weights, place.device), place.device)

    def embed(self, recording: Recording, cancellation: Cancellation) -> Generator[Embedding]:
        samples = heard(recording, self._longest_reference)
        lower = np.asarray(soxr.resample(samples, recording.rate, REFERENCE_RATE), np.float32)
        clips = np.array_split(lower, -(-len(lower) // (CLIP_SECONDS * REFERENCE_RATE)))
        with self._at_work(cancellation) as package:
            import torch  # pyright: ignore[reportMissingImports]

            latents = package.get_conditioning_latents([torch.from_numpy(clip.copy())[None] for clip in clips])
        arrays = {name: latent.cpu().numpy() for name, latent in zip(("speech", "sound"), latents, strict=True)}
        yield Embedding(0, recording.seconds, Reference(self._id, arrays), last=True)

    def synthesize(self, request: SpeechRequest, cancellation: Cancellation) -> Generator[Audio]:
        options = self.Options.model_validate(dict(request.options))
        if not request.text.strip():
            raise BadRequest("There is nothing to say.", param="text")
        (voice,) = request.voices
        with self._at_work(cancellation, options.seed) as package:
            if len(package.tokenizer.encode(request.text)) > LONGEST_TEXT:
                raise BadRequest("The text is too long for one sentence.", param="text")
            given = isinstance(voice, Reference)
            latents = _latents(voice.arrays, self._device) if given else package.get_random_conditioning_latents()
            made = said_to_the_end(lambda: _attempt(package, request.text, latents, options))
            sound = made.flatten().float().cpu().numpy()
        yield Audio(np.clip(sound, -1, 1)[:, None], RATE, last=True)


def _attempt(package: Any, text: str, latents: tuple[Any, Any], options: Tortoise.Options) -> Any | None:
    """Samples, a tensor (1, 1, n); None if no candidate came to its end."""
    chosen = parameters(options) | {"max_mel_tokens": most_tokens(text, TOKENS_A_SECOND, LONGEST)}
    package.autoregressive_batch_size = largest_batch(chosen["num_autoregressive_samples"])
    try:
        return package.tts(text, conditioning_latents=latents, verbose=False, **chosen)
    except networks.CutOff:
        return None


def parameters(options: Tortoise.Options) -> dict[str, Any]:
    """Arguments of the package's `tts`: those of the preset, and what is given instead."""
    given = options.model_dump(exclude={"preset", "seed"}, exclude_none=True)
    return DEFAULTS | PRESETS[options.preset] | given


def largest_batch(samples: int) -> int:
    """How many of so many candidates to write at once: the package writes whole batches only."""
    return next(size for size in range(min(samples, BATCH), 0, -1) if samples % size == 0)


def _latents(arrays: Any, device: str) -> tuple[Any, Any]:
    import torch  # pyright: ignore[reportMissingImports]

    return torch.tensor(arrays["speech"]).to(device), torch.tensor(arrays["sound"]).to(device)
